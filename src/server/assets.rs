//! The site's files, carried inside the program: the client, the styles, the fonts.
//!
//! A release embeds them with their compressed forms; a development build reads them from `target/site`.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::RustEmbed;

use crate::app::Assets;

#[derive(RustEmbed)]
#[folder = "target/site/"]
#[allow_missing = true]
struct Site;

/// A file whose name changes with its content may be kept for ever.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The names of the client's files, which change with each build.
#[derive(Clone, Debug)]
pub struct Names {
    script: String,
    module: String,
    style: String,
}

impl Names {
    /// Finds the files; nothing when the client has not been built.
    #[must_use]
    pub fn find() -> Option<Self> {
        let files: Vec<Cow<'static, str>> = Site::iter().collect();
        let find = |extension: &str| {
            files
                .iter()
                .find(|name| name.starts_with("pkg/aldis") && name.ends_with(extension))
                .map(|name| format!("/{name}"))
        };
        Some(Self { script: find(".js")?, module: find(".wasm")?, style: find(".css")? })
    }

    /// Names of files that need not exist, for tests of the server alone.
    #[cfg(test)]
    #[must_use]
    pub fn placeholder() -> Self {
        Self { script: "/pkg/aldis.js".into(), module: "/pkg/aldis.wasm".into(), style: "/pkg/aldis.css".into() }
    }

    /// What documents refer to.
    #[must_use]
    pub fn assets(&self) -> Assets {
        Assets { css: self.style.clone(), boot: format!("/boot.js?v={}", self.version()) }
    }

    /// The script that starts the client. It is a file, not inline, so that pages need no permission for inline scripts.
    #[must_use]
    pub fn boot(&self) -> Response {
        let Self { script, module, .. } = self;
        let text = format!(
            "import init, {{ hydrate }} from \"{script}\";\ninit({{ module_or_path: \"{module}\" }}).then(hydrate);\n"
        );
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
            (header::CACHE_CONTROL, if self.is_hashed() { FOREVER } else { HeaderValue::from_static("no-cache") }),
        ];
        (headers, text).into_response()
    }

    fn version(&self) -> String {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{} {}", self.script, self.module));
        URL_SAFE_NO_PAD.encode(digest).chars().take(12).collect()
    }

    fn is_hashed(&self) -> bool {
        self.script != "/pkg/aldis.js"
    }
}

/// The file at this path, in the smallest form the caller reads; nothing when there is none.
#[must_use]
pub fn file(uri: &Uri, request: &HeaderMap) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    // The compressed forms are chosen below, not asked for.
    if path.is_empty() || [".br", ".gz"].iter().any(|form| path.ends_with(form)) {
        return None;
    }
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accepts =
        |coding: &str| accepted.split(',').any(|entry| entry.split(';').next().unwrap_or("").trim() == coding);
    let compressed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(coding))
        .find_map(|(coding, extension)| Some((coding, Site::get(&format!("{path}.{extension}"))?)));
    let (coding, file) = match compressed {
        Some((coding, file)) => (Some(coding), file),
        None => (None, Site::get(path)?),
    };

    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]));
    let is_client = path.starts_with("pkg/aldis.") && path.matches('.').count() > 1;
    let mut response = if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        let mut response = body.into_response();
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        if let Ok(kind) = HeaderValue::from_str(&kind) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        if let Some(coding) = coding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::CACHE_CONTROL, if is_client { FOREVER } else { FOR_A_DAY });
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    Some(response)
}
