//! How often a maintenance comes back, in people's words and as an RFC 5545 rule (domain rule 3.6.9). What a rule means is
//! the server's business.

use super::wire::wire_enum;

wire_enum! {
    /// The usual rhythms.
    #[derive(Default)]
    Repeat {
        /// Once.
        #[default]
        Never = "",
        /// Every day.
        Daily = "FREQ=DAILY",
        /// Every week, on the same weekday.
        Weekly = "FREQ=WEEKLY",
        /// Every other week.
        Fortnightly = "FREQ=WEEKLY;INTERVAL=2",
        /// Every month, on the same day.
        Monthly = "FREQ=MONTHLY",
    }
}

impl Repeat {
    /// The words people choose by.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Never => "Does not repeat",
            Self::Daily => "Every day",
            Self::Weekly => "Every week",
            Self::Fortnightly => "Every two weeks",
            Self::Monthly => "Every month",
        }
    }

    /// The rhythm that a rule says, when it is a usual one.
    #[must_use]
    pub fn of(rule: &str) -> Option<Self> {
        rule.trim().to_ascii_uppercase().parse().ok()
    }
}

/// A rule in people's words, where there are some for it: `Every week`, or the rule itself.
#[must_use]
pub fn in_words(rule: &str) -> String {
    let (rhythm, count) = rule.split_once(";COUNT=").unwrap_or((rule, ""));
    match (Repeat::of(rhythm), count.parse::<u32>()) {
        (Some(repeat), Ok(count)) => format!("{}, {count} times", repeat.label()),
        (Some(repeat), Err(_)) if count.is_empty() => repeat.label().to_owned(),
        _ => rule.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_rule_has_words_and_any_other_stays_as_it_is() {
        for (rule, words) in [
            ("FREQ=WEEKLY", "Every week"),
            ("freq=weekly;interval=2", "Every two weeks"),
            ("FREQ=DAILY;COUNT=10", "Every day, 10 times"),
            ("FREQ=DAILY;COUNT=10;BYHOUR=3", "FREQ=DAILY;COUNT=10;BYHOUR=3"),
            ("FREQ=MONTHLY;BYDAY=1TU", "FREQ=MONTHLY;BYDAY=1TU"),
        ] {
            assert_eq!(in_words(rule), words);
        }
        assert_eq!(Repeat::of(" "), Some(Repeat::Never));
        assert_eq!(Repeat::of("every tuesday"), None);
    }
}
