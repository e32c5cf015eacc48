//! Recurrence of maintenances: common RFC 5545 rules and their labels (domain rule 3.6.9). The server expands rules.

use super::wire::wire_enum;

wire_enum! {
    /// The common recurrence rules.
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
    /// The display name.
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

    /// The common rule that this is, if any.
    #[must_use]
    pub fn of(rule: &str) -> Option<Self> {
        rule.trim().to_ascii_uppercase().parse().ok()
    }
}

/// Describes a rule: `Every week`, or the rule itself if it is not a common one.
#[must_use]
pub fn describe(rule: &str) -> String {
    let (repeat, count) = rule.split_once(";COUNT=").unwrap_or((rule, ""));
    match (Repeat::of(repeat), count.parse::<u32>()) {
        (Some(repeat), Ok(count)) => format!("{}, {count} times", repeat.label()),
        (Some(repeat), Err(_)) if count.is_empty() => repeat.label().to_owned(),
        _ => rule.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_rule_is_described_and_any_other_stays_as_it_is() {
        for (rule, description) in [
            ("FREQ=WEEKLY", "Every week"),
            ("freq=weekly;interval=2", "Every two weeks"),
            ("FREQ=DAILY;COUNT=10", "Every day, 10 times"),
            ("FREQ=DAILY;COUNT=10;BYHOUR=3", "FREQ=DAILY;COUNT=10;BYHOUR=3"),
            ("FREQ=MONTHLY;BYDAY=1TU", "FREQ=MONTHLY;BYDAY=1TU"),
        ] {
            assert_eq!(describe(rule), description);
        }
        assert_eq!(Repeat::of(" "), Some(Repeat::Never));
        assert_eq!(Repeat::of("every tuesday"), None);
    }
}
