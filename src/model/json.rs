//! JSON parsing in the browser, by one reader: each reader of `serde_json` is compiled again for every type.

use serde::Deserialize;

/// Parses a value.
///
/// # Errors
/// When the text is not JSON of this shape.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    // The reader that server functions use.
    serde_json::from_slice(text.as_bytes())
}
