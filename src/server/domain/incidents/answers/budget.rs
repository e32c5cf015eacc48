//! The budgets of answers, and how much of them texts take (R-70).
//!
//! Sizes are in bytes of both forms an answer can have: the JSON that a public page embeds, and the HTML that is drawn
//! from it. A page is therefore at most as large as the sizes of what is on it together, and a JSON answer about half.
//! Old rows were measured by the migration that added the sizes; new ones by [`update`] and [`head`].

/// What every answer stays below.
#[cfg(test)]
pub const ANSWER_MAX: usize = 2_000_000;
/// One incident with everything. Loads cut what is larger to its newest updates.
pub const INCIDENT_MAX: i64 = 900_000;
/// An organization's open incidents and maintenances under way together: what a page should never leave out.
pub const IN_FORCE_MAX: i64 = 1_000_000;
/// The incidents and maintenances of a status page together.
pub const PAGE_MAX: i64 = 1_000_000;
/// The names and descriptions of an organization's services together.
pub const SERVICES_TEXT_MAX: i64 = 320_000;
/// The incidents of a page of a list, or of the public timeline.
pub const LIST_MAX: i64 = 1_000_000;
/// The incidents and maintenances of a month of the public history.
pub const MONTH_MAX: i64 = 1_500_000;
/// The maintenances that are searched for conflicts; nothing of them is sent but the conflicts found.
pub const CANDIDATES_MAX: i64 = 8_000_000;
/// The texts of an organization's templates together, in characters.
pub const TEMPLATES_CHARS: usize = 400_000;
/// The longest excerpt of a message, in characters.
pub const EXCERPT_CHARS: usize = 500;
/// The most that an update with an excerpt for its message takes.
pub const EXCERPT_MAX: i64 = 15_000;

/// An incident apart from its texts: keys, ids, times and the markup of a card.
const HEAD: usize = 1_800;
/// An affected service apart from its name.
const SERVICE: usize = 570;
/// An update apart from its texts.
const UPDATE: usize = 750;
/// The markup of one change of a service's status, beyond the length of its JSON.
const TRANSITION: usize = 40;
/// The markup of one earlier version.
const EDIT: usize = 350;

/// A budget, and what is left of it.
#[derive(Clone, Copy, Debug)]
pub struct Budget(i64);

impl Budget {
    /// A budget of this many bytes.
    pub const fn of(bytes: i64) -> Self {
        Self(bytes)
    }

    /// What is left.
    pub const fn left(self) -> i64 {
        self.0
    }

    /// Takes this much, if so much is left.
    pub const fn take(&mut self, bytes: i64) -> bool {
        let fits = bytes <= self.0;
        if fits {
            self.0 -= bytes;
        }
        fits
    }
}

/// The first items that fit into a budget together, at least one, and the first that does not fit.
pub fn first_within<T>(items: impl IntoIterator<Item = T>, most: i64, size: impl Fn(&T) -> i64) -> (Vec<T>, Option<T>) {
    let (mut budget, mut chosen) = (Budget::of(most), Vec::new());
    for item in items {
        if !budget.take(size(&item)) && !chosen.is_empty() {
            return (chosen, Some(item));
        }
        chosen.push(item);
    }
    (chosen, None)
}

/// The size of an update: its message, as Markdown and HTML, and its earlier versions and changes to services, as JSON.
pub fn update(message: &str, html: &str, edits: &str, services: &str) -> i64 {
    let edited = edits.matches("edited_at").count();
    let changed = services.matches("old_status").count();
    size(
        UPDATE
            + json(message)
            + json(html)
            + html.len()
            + 2 * embedded(edits)
            + EDIT * edited
            + 2 * embedded(services)
            + 4 * count(services, b'&')
            + TRANSITION * changed,
    )
}

/// The size of an incident without its messages: its title, the names of its services, and its postmortem as Markdown
/// and HTML.
pub fn head<'a>(title: &str, services: impl IntoIterator<Item = &'a str>, [body, html]: [&str; 2]) -> i64 {
    let services = services.into_iter().map(|name| SERVICE + drawn(name)).sum::<usize>();
    size(HEAD + 2 * drawn(title) + json(body) + json(html) + html.len() + services)
}

/// The size of an incident's description, which repeats its first message.
pub fn description(message: &str) -> i64 {
    size(json(message))
}

/// The size of a text that is shown as it is.
pub fn shown(text: &str) -> i64 {
    size(drawn(text))
}

/// A number of bytes as it is stored.
fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A text as JSON and as text in HTML.
fn drawn(text: &str) -> usize {
    json(text) + text.len() + 4 * count(text, b'&') + 3 * count(text, b'<')
}

/// A text as JSON in a page, where `<` is escaped too.
fn json(text: &str) -> usize {
    embedded(text) + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count()
}

/// JSON in a page.
fn embedded(text: &str) -> usize {
    text.len() + 5 * count(text, b'<')
}

fn count(text: &str, wanted: u8) -> usize {
    text.bytes().filter(|byte| *byte == wanted).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_70_what_fits_is_taken_in_order_and_at_least_one() {
        let within = |sizes: &[i64], most| first_within(sizes.to_vec(), most, |size| *size);
        assert_eq!(within(&[3, 4, 5], 12), (vec![3, 4, 5], None));
        assert_eq!(within(&[3, 4, 5], 11), (vec![3, 4], Some(5)));
        assert_eq!(within(&[9, 1], 5), (vec![9, 1], None), "the first one in any case, without using the budget up");
        assert_eq!(within(&[], 5), (vec![], None));
    }

    #[test]
    fn r_70_everything_that_is_serialized_counts() {
        let plain = update("word", "<p>word</p>", "[]", "");
        let edit = r#"[{"message":"w","html":"<p>w</p>","edited_at":"1970-01-01T00:00:00.000Z"}]"#;
        assert!(update("word", "<p>word</p>", edit, "") > plain + 2 * size(edit.len()), "earlier versions");
        let change = r#"[{"id":"1","name":"API","old_status":"operational","new_status":"degraded"}]"#;
        assert!(update("word", "<p>word</p>", "[]", change) > plain + 2 * size(change.len()), "changes to services");
        let none = head("Down", [], ["", ""]);
        assert!(head("Down", ["API"], ["", ""]) > none + 500, "services");
        assert_eq!(head("Down", [], ["Why", "<p>Why</p>"]), none + 3 + 20 + 10, "the postmortem");
    }

    #[test]
    fn r_70_escaped_text_counts_as_it_is_sent() {
        for text in ["plain", "a \"b\" \\ c\nd", "<<<&&&>>>", "ünï 🔥"] {
            let sent = serde_json::to_string(text).expect("serializable").replace('<', "\\u003c").len() - 2;
            assert_eq!(json(text), sent, "{text:?}");
            let shown = text.replace('&', "&amp;").replace('<', "&lt;").len();
            assert_eq!(drawn(text) - json(text), shown, "{text:?}");
        }
    }
}
