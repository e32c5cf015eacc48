//! Input validation: trims and measures fields and collects all faults, so that they are reported at once.

use std::collections::BTreeMap;

use super::{Error, Result};

/// The longest name of an organization, service, group or person, in characters.
pub const NAME_MAX: usize = 100;
/// The longest description of a service, in characters.
pub const DESCRIPTION_MAX: usize = 500;

/// Collects the faults of one form or body.
#[derive(Debug, Default)]
pub struct Check {
    faults: BTreeMap<String, String>,
}

impl Check {
    /// One line of text between 1 and `max` characters after trimming.
    pub fn line(&mut self, field: &str, text: &str, max: usize) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.fault(field, "This is required.");
        }
        self.text(field, text, max, false)
    }

    /// Text of any number of lines, at most `max` characters after trimming; may be empty.
    pub fn paragraph(&mut self, field: &str, text: &str, max: usize) -> String {
        self.text(field, text.trim(), max, true)
    }

    /// The value; an error is recorded as a fault of `field`.
    pub fn take<T>(&mut self, field: &str, value: Result<T>) -> Option<T> {
        value.map_err(|error| self.fault(field, error.message)).ok()
    }

    /// Records a fault of `field`; the first one of a field wins.
    pub fn fault(&mut self, field: &str, why: impl Into<String>) {
        self.faults.entry(field.to_owned()).or_insert_with(|| why.into());
    }

    /// Ends the check with an error if there are faults.
    pub fn finish(self) -> Result<()> {
        if self.faults.is_empty() { Ok(()) } else { Err(Error::fields(self.faults)) }
    }

    fn text(&mut self, field: &str, text: &str, max: usize, lines: bool) -> String {
        let length = text.chars().count();
        if length > max {
            self.fault(field, format!("Use at most {max} characters; this has {length}."));
        }
        if text.chars().any(|c| is_unprintable(c) && !(lines && is_separator(c))) {
            self.fault(field, "Remove control and text-direction characters.");
        }
        text.to_owned()
    }
}

/// Rejects a change that was made on another version than the current one.
///
/// # Errors
/// `conflict`.
pub fn require_version(sent: Option<i64>, current: i64) -> Result<()> {
    if sent.is_none_or(|sent| sent == current) {
        return Ok(());
    }
    let why = "Someone else changed this in the meantime. Check the current state, then send your change again.";
    Err(Error::taken("version", format!("{why} It is now at version {current}.")))
}

/// Characters between words and lines of pasted text.
fn is_separator(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t' | '\u{61c}' | '\u{2028}' | '\u{2029}')
}

/// Control characters and bidirectional overrides, which can disguise text.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once_and_values_come_back_trimmed() {
        let mut check = Check::default();
        assert_eq!(check.line("good", "  API  ", 10), "API");
        check.line("empty", "   ", 10);
        check.line("long", "12345678901", 10);
        check.line("bidi", "evil\u{202e}name", 20);
        check.line("lines", "a\nb", 20);
        for (name, text) in [("arabic mark", "a\u{61c}b"), ("line separator", "a\u{2028}b"), ("end", "a\u{2029}b")] {
            check.line(name, text, 20);
        }
        for text in ["a\nb", "a\u{61c}b", "a\u{2028}b", "a\u{2029}b"] {
            assert_eq!(check.paragraph("text", text, 20), text);
        }
        let error = check.finish().expect_err("seven faults");
        assert_eq!(
            error.fields.keys().collect::<Vec<_>>(),
            ["arabic mark", "bidi", "empty", "end", "line separator", "lines", "long"]
        );
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let mut check = Check::default();
        check.line("name", &"é".repeat(NAME_MAX), NAME_MAX);
        assert!(check.finish().is_ok());
    }
}
