//! Time zones as data, and calendar days and months in them (domain rule 3.9).
//!
//! A page carries the few offset changes of its zone around the present. With them the server and the browser compute
//! the same local times, without a time zone database in the browser.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Error, Result, Timestamp};

/// A time zone: its name and its offsets, in the years that are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Zone {
    /// Its IANA name.
    #[schema(example = "Europe/Berlin")]
    pub name: String,
    /// Its offset changes, oldest first. The first also applies to the time before it. Never empty.
    pub shifts: Vec<ZoneShift>,
}

/// An offset of a time zone, and from when it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ZoneShift {
    /// When it begins to apply.
    pub from: Timestamp,
    /// The offset from UTC, in seconds.
    pub offset: i32,
    /// The abbreviation.
    #[schema(example = "CET")]
    pub abbreviation: String,
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        let shift = ZoneShift { from: Timestamp::EPOCH, offset: 0, abbreviation: "UTC".into() };
        Self { name: "UTC".into(), shifts: vec![shift] }
    }

    /// Whether the offset at an instant is known.
    #[must_use]
    pub fn knows(&self, at: Timestamp) -> bool {
        self.shifts.first().is_some_and(|first| first.from <= at)
    }

    /// This zone, which reaches further back, unless the current one has another name.
    #[must_use]
    pub fn unless_changed(&self, present: &Self) -> Self {
        if self.name == present.name { self.clone() } else { present.clone() }
    }

    /// The offset and abbreviation at an instant.
    fn shift(&self, at: Timestamp) -> (i32, &str) {
        let after = self.shifts.partition_point(|shift| shift.from <= at);
        let shift = self.shifts.get(after.saturating_sub(1));
        shift.map_or((0, "UTC"), |shift| (shift.offset, &shift.abbreviation))
    }

    fn local(&self, at: Timestamp) -> NaiveDateTime {
        at.naive_utc().checked_add_signed(TimeDelta::seconds(self.shift(at).0.into())).unwrap_or(at.naive_utc())
    }

    /// The instant of a local time: the earlier of two; a time that the clocks skip is counted from before the gap, so
    /// 02:30 becomes 03:30.
    #[must_use]
    pub fn instant(&self, local: NaiveDateTime) -> Timestamp {
        let at = |offset: i32| Timestamp::from_naive_utc(local).plus_seconds(-i64::from(offset));
        let offsets = || self.shifts.iter().map(|shift| shift.offset);
        let shown = offsets().map(at).filter(|instant| self.local(*instant) == local).min();
        // In a gap, the offset before the shift leads past it.
        shown.or_else(|| self.gap(local).map(at)).unwrap_or_else(|| at(0))
    }

    /// The offset before the shift that skips this local time.
    fn gap(&self, local: NaiveDateTime) -> Option<i32> {
        self.shifts.windows(2).find_map(|pair| {
            let [before, after] = pair else { return None };
            let wall = |offset: i32| after.from.plus_seconds(offset.into()).naive_utc();
            (wall(before.offset) <= local && local < wall(after.offset)).then_some(before.offset)
        })
    }

    /// Parses the value of a `datetime-local` field.
    ///
    /// # Errors
    /// When it is not a date and time.
    pub fn parse_local(&self, text: &str) -> Result<Timestamp> {
        wall_time(text).map(|local| self.instant(local))
    }

    /// An instant as the value of a `datetime-local` field.
    #[must_use]
    pub fn field_value(&self, at: Timestamp) -> String {
        self.local(at).format("%Y-%m-%dT%H:%M").to_string()
    }

    /// An instant in local time: `24 Nov 2026, 02:00 CET`.
    #[must_use]
    pub fn human(&self, at: Timestamp) -> String {
        format!("{} {}", self.local(at).format("%-d %b %Y, %H:%M"), self.shift(at).1)
    }

    /// The time of day alone: `02:00`.
    #[must_use]
    pub fn clock(&self, at: Timestamp) -> String {
        self.local(at).format("%H:%M").to_string()
    }

    /// A period in local time: `Tue 24 Nov 2026, 02:00–03:00 CET`.
    #[must_use]
    pub fn human_window(&self, start: Timestamp, end: Timestamp) -> String {
        let (from, to) = (self.local(start), self.local(end));
        let day = "%a %-d %b %Y, %H:%M";
        let until = if from.date() == to.date() { to.format("%H:%M") } else { to.format(day) };
        let dash = if from.date() == to.date() { "–" } else { " – " };
        format!("{}{dash}{until} {}", from.format(day), self.shift(end).1)
    }

    /// The local day of an instant.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Day {
        Day(self.local(at).date())
    }

    /// The start of a local day.
    #[must_use]
    pub fn start_of(&self, day: Day) -> Timestamp {
        self.instant(day.midnight())
    }

    /// The start and end of a local month.
    #[must_use]
    pub fn bounds_of(&self, month: Month) -> (Timestamp, Timestamp) {
        (self.start_of(month.first()), self.start_of(month.next().first()))
    }
}

/// Parses the value of a `datetime-local` field, such as `2026-11-24T02:00`.
///
/// # Errors
/// When it is not a date and time.
pub fn wall_time(text: &str) -> Result<NaiveDateTime> {
    let parse = |format| NaiveDateTime::parse_from_str(text.trim(), format).ok();
    let local = parse("%Y-%m-%dT%H:%M").or_else(|| parse("%Y-%m-%dT%H:%M:%S"));
    let local = local.filter(|local| (1970..=9999).contains(&local.year()));
    local.ok_or_else(|| Error::invalid("Enter a date and a time."))
}

/// A calendar day, written as `2026-11-23`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, format = Date, example = "2026-11-23")]
pub struct Day(NaiveDate);

impl Day {
    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN))
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// Its midnight, as a local time.
    #[must_use]
    pub fn midnight(self) -> NaiveDateTime {
        self.0.and_time(chrono::NaiveTime::MIN)
    }

    /// Its month.
    #[must_use]
    pub fn month(self) -> Month {
        Month(self.0.with_day(1).unwrap_or(self.0))
    }

    /// As a heading: `Monday, 23 November 2026`.
    #[must_use]
    pub fn human(self) -> String {
        self.0.format("%A, %-d %B %Y").to_string()
    }
}

/// A calendar month, `2026-11` on every wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// Its first day.
    #[must_use]
    pub const fn first(self) -> Day {
        Day(self.0)
    }

    /// Its days, in order.
    pub fn days(self) -> impl DoubleEndedIterator<Item = Day> {
        self.0.iter_days().take_while(move |day| day.month() == self.0.month()).map(Day).collect::<Vec<_>>().into_iter()
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(NaiveDate::MIN))
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// As a heading: `November 2026`.
    #[must_use]
    pub fn human(self) -> String {
        self.0.format("%B %Y").to_string()
    }
}

macro_rules! spelled {
    ($name:ident, $format:literal, $parse:expr, $why:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.format($format).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let date: Option<NaiveDate> = $parse(text);
                date.filter(|date| (1970..=9999).contains(&date.year())).map(Self).ok_or_else(|| Error::invalid($why))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(|error: Error| de::Error::custom(error.message))
            }
        }
    };
}

spelled!(
    Day,
    "%Y-%m-%d",
    |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    "Enter a date as YYYY-MM-DD, for example 2026-11-23."
);
spelled!(
    Month,
    "%Y-%m",
    |text| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok(),
    "Enter a month as YYYY-MM, for example 2026-11."
);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Berlin in 2026: summer from 29 March 01:00 UTC to 25 October 01:00 UTC.
    pub(crate) fn berlin() -> Zone {
        let shift = |from: &str, hours: i32, abbreviation: &str| ZoneShift {
            from: from.parse().expect("an instant"),
            offset: hours * 3600,
            abbreviation: abbreviation.into(),
        };
        let shifts = vec![
            shift("2026-01-01T00:00:00Z", 1, "CET"),
            shift("2026-03-29T01:00:00Z", 2, "CEST"),
            shift("2026-10-25T01:00:00Z", 1, "CET"),
        ];
        Zone { name: "Europe/Berlin".into(), shifts }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn rule_3_9_local_times_follow_the_zone_across_both_shifts() {
        let zone = berlin();
        let utc = |local: &str| zone.parse_local(local).expect("a time").to_string();
        assert_eq!(utc("2026-01-10T03:00"), "2026-01-10T02:00:00.000Z");
        assert_eq!(utc("2026-07-10T03:00"), "2026-07-10T01:00:00.000Z");
        assert_eq!(utc("2026-03-29T02:30"), "2026-03-29T01:30:00.000Z", "skipped: 02:30 is 03:30 in summer time");
        assert_eq!(utc("2026-10-25T02:30"), "2026-10-25T00:30:00.000Z", "twice: the first one");
        assert_eq!(zone.field_value(at("2026-03-29T01:30:00Z")), "2026-03-29T03:30");
        assert_eq!(zone.human(at("2026-11-24T01:00:00Z")), "24 Nov 2026, 02:00 CET");
        assert!(zone.parse_local("yesterday").is_err() && zone.parse_local("90000-01-01T00:00").is_err());
    }

    #[test]
    fn a_window_names_its_day_once() {
        let zone = berlin();
        let (start, end) = (at("2026-11-24T01:00:00Z"), at("2026-11-24T02:00:00Z"));
        assert_eq!(zone.human_window(start, end), "Tue 24 Nov 2026, 02:00–03:00 CET");
        assert_eq!(
            zone.human_window(start, end.plus_seconds(86_400)),
            "Tue 24 Nov 2026, 02:00 – Wed 25 Nov 2026, 03:00 CET"
        );
    }

    #[test]
    fn days_and_months_begin_at_local_midnight() {
        let zone = berlin();
        let day = zone.day(at("2026-10-24T22:30:00Z"));
        assert_eq!(day.to_string(), "2026-10-25");
        let length = zone.start_of(day.next()).millis() - zone.start_of(day).millis();
        assert_eq!(length, 25 * 3_600_000, "the day the clocks go back has 25 hours");
        let month: Month = "2026-10".parse().expect("a month");
        assert_eq!(zone.bounds_of(month).0, at("2026-09-30T22:00:00Z"));
        assert_eq!(zone.bounds_of(month).1, at("2026-10-31T23:00:00Z"));
        assert_eq!((month.days().count(), month.next().to_string()), (31, "2026-11".to_owned()));
        assert_eq!((month.human(), day.human()), ("October 2026".into(), "Sunday, 25 October 2026".into()));
        for wrong in ["2026-13", "2026", "", "2026-11-01", "x"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
