//! Extractors for bodies, ids, queries and idempotency keys. Invalid input is rejected with the documented error.

use axum::{
    Json, RequestExt,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use utoipa::{
    IntoParams, PartialSchema,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use crate::{
    model::{Code, Error, Result},
    server::{domain::IdempotencyKey, state::AppState},
};

/// Maximum nesting of a body (R-70).
const DEPTH: usize = 32;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &AppState) -> Result<Self> {
        if !is_json(request.headers()) {
            return Err(Error::new(
                Code::UnsupportedMediaType,
                "Send the body as JSON, with `Content-Type: application/json`.",
            ));
        }
        let bytes = request.extract::<Bytes, _>().await.map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::new(Code::TooLarge, "The body is larger than 256 KiB.")
            } else {
                Error::invalid("The body could not be read completely.")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

/// Parses a body. A value of the wrong type is reported by its field.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if nesting(bytes) > DEPTH {
        return Err(Error::invalid("The body is nested too deeply."));
    }
    // serde also accepts a list of values for a struct, which the API does not document.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Error::invalid("Send a JSON object, not a list."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        let (line, column) = (cause.line(), cause.column());
        let text = cause.to_string();
        let why = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        // serde also reports a number in place of an enum value as a syntax error, so the syntax is checked separately.
        if serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
            Error::invalid(format!("The body is not valid JSON: {why} at line {line}, column {column}."))
        } else if path == "." {
            Error::invalid(format!("The body is invalid: {why}."))
        } else {
            Error::field(path, format!("{why}."))
        }
    })?;
    deserializer.end().map_err(|_| Error::invalid("The body contains more than one JSON value. Send only one."))?;
    Ok(value)
}

/// The maximum nesting of arrays and objects, without parsing the body.
fn nesting(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut text, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'{' | b'[' if !text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = text.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// An id from the path. A malformed one is `not_found`.
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Path::<T>::from_request_parts(parts, state).await.map(|Path(id)| Self(id)).map_err(|_| Error::not_found())
    }
}

/// The query parameters.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Query::<T>::from_request_parts(parts, state).await.map(|Query(query)| Self(query)).map_err(|rejection| {
            let text = rejection.body_text();
            let why = text.split_once(": ").map_or(text.as_str(), |(_, why)| why);
            Error::invalid(format!("The query is invalid: {why}."))
        })
    }
}

/// The idempotency key, from the `Idempotency-Key` header (R-73).
pub struct Idempotency(pub Option<IdempotencyKey>);

impl FromRequestParts<AppState> for Idempotency {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        IdempotencyKey::parse(value.to_str().unwrap_or_default()).map(|key| Self(Some(key)))
    }
}

impl IntoParams for Idempotency {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "A unique key for this request, 1 to 128 visible ASCII characters. A retry within a day with the same \
                 key and body changes nothing and returns the object created then, with the header \
                 `Idempotency-Replayed: true`. A retry with another body is rejected.",
            ))
            .schema(Some(String::schema()));
        vec![parameter.build()]
    }
}

/// The response to a request that creates an object. If it replays an earlier response, a header says so (R-73).
pub type Created<T> = (StatusCode, HeaderMap, Json<T>);

/// Responds with an object and whether it was created by an earlier request with the same key.
pub fn created<T>((object, is_replay): (T, bool)) -> Created<T> {
    let header = (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    (StatusCode::CREATED, HeaderMap::from_iter(is_replay.then_some(header)), Json(object))
}

/// The page of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Maximum number of items, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u64>,
    /// Cursor from the `Link` header of the previous page.
    pub cursor: Option<String>,
}

impl Paging {
    /// The page size, 100 by default.
    pub fn limit(&self) -> Result<u64> {
        page_limit(self.limit)
    }
}

/// The size of a page, 100 by default.
///
/// # Errors
/// `invalid` outside 1 to 100.
pub fn page_limit(limit: Option<u64>) -> Result<u64> {
    match limit.unwrap_or(100) {
        limit @ 1..=100 => Ok(limit),
        _ => Err(Error::field("limit", "Use a number from 1 to 100.")),
    }
}

/// The `Link` header with the URL of the next page.
pub fn next_link(path: &str, query: &[(&str, String)]) -> HeaderMap {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let link = format!("<{path}?{query}>; rel=\"next\"");
    link.parse().map(|value| HeaderMap::from_iter([(header::LINK, value)])).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NewService, ServicePatch};

    #[test]
    fn an_invalid_value_is_reported_by_its_field() {
        let error = parse::<ServicePatch>(br#"{"status": "broken"}"#).expect_err("unknown value");
        assert!(error.fields["status"].contains("unknown variant `broken`"), "{error:?}");
        let error = parse::<NewService>(br#"{"name": 7}"#).expect_err("number");
        assert!(error.fields["name"].contains("expected a string"), "{error:?}");
        let error = parse::<NewService>(br#"{"name": "x", "org_id": "y"}"#).expect_err("unknown field");
        assert!(error.fields["org_id"].contains("unknown field"), "{error:?}");
    }

    #[test]
    fn a_list_is_not_accepted_for_an_object() {
        for body in ["[]", " [null, null]", "[\"x\"]"] {
            assert!(parse::<ServicePatch>(body.as_bytes()).expect_err(body).message.contains("not a list"));
        }
    }

    #[test]
    fn malformed_truncated_and_deeply_nested_bodies_are_rejected_with_a_message() {
        for body in ["", "{", "{\"name\": \"x\"} trailing", "[]", "null", "\u{0}", "{\"name\":\"x\",\"name\":\"y\"}"] {
            let error = parse::<NewService>(body.as_bytes()).expect_err(body);
            assert!(!error.message.is_empty());
        }
        let deep = format!("{{\"name\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(parse::<NewService>(deep.as_bytes()).expect_err("deep").message, "The body is nested too deeply.");
    }
}
