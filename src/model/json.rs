//! JSON as it is read in the browser: in one way, as each way of `serde_json` is compiled anew for everything it reads.

use serde::Deserialize;

/// Reads a value.
///
/// # Errors
/// When the text is no JSON, or not of this shape.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    // As server functions read answers.
    serde_json::from_slice(text.as_bytes())
}
