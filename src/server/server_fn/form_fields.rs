//! Parses form fields into the domain's types.

use std::{collections::BTreeMap, str::FromStr};

use crate::{
    model::{Error, Result, ServiceImpact},
    server::domain::IdempotencyKey,
};

/// An id.
///
/// # Errors
/// `not_found` if it is malformed.
pub fn id<I: FromStr>(text: &str) -> Result<I> {
    text.parse().map_err(|_| Error::not_found())
}

/// An id chosen from a list, or `None` for the empty option.
///
/// # Errors
/// `not_found` if it is malformed.
pub fn choice<I: FromStr>(text: &str) -> Result<Option<I>> {
    if text.is_empty() { Ok(None) } else { id(text).map(Some) }
}

/// An enum value chosen from a list, or `None` for the empty option.
///
/// # Errors
/// `invalid`, with the field, for an unknown value.
pub fn value<V: FromStr<Err = Error>>(field: &str, text: &str) -> Result<Option<V>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: Error| Error::field(field, error.message))
}

/// The statuses of services, from fields named `of-` and the service's id. Empty ones are left out.
///
/// # Errors
/// `not_found` for a malformed id, `invalid` for an unknown status.
pub fn impacts(services: &BTreeMap<String, String>) -> Result<Vec<ServiceImpact>> {
    let mut impacts = Vec::new();
    for (name, status) in services.iter().filter(|(_, status)| !status.is_empty()) {
        let service = id(name.strip_prefix("of-").unwrap_or_default())?;
        impacts.extend(value("services", status)?.map(|status| ServiceImpact { id: service, status }));
    }
    Ok(impacts)
}

/// The form's idempotency key, if it has a valid one.
#[must_use]
pub fn key(text: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::parse(text).ok()
}

/// Renames an error's fields to those of the maintenance forms, which are shorter than those of the REST API.
#[must_use]
pub fn named_as_in_forms(mut error: Error) -> Error {
    let shorter = |name: String| match name.as_str() {
        "starts_at" => "starts".to_owned(),
        "ends_at" => "ends".to_owned(),
        _ => name,
    };
    error.fields = error.fields.into_iter().map(|(name, why)| (shorter(name), why)).collect();
    error
}
