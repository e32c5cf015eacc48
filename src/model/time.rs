//! Timestamps: UTC to the millisecond (domain rule 3.9), RFC 3339 on the wire.

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Error;

/// An instant in UTC with a resolution of one millisecond.
///
/// Stored as milliseconds since 1970, so that ordering and ranges work the same on every database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T08:30:00.000Z")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant of the year 1970.
    pub const EPOCH: Self = Self(0);

    /// 0001-01-01 and 9999-12-31, the range of RFC 3339.
    const RANGE_MS: (i64, i64) = (-62_135_596_800_000, 253_402_300_799_999);

    /// An instant from milliseconds since 1970, clamped to the years 1 to 9999.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        let (first, last) = Self::RANGE_MS;
        if millis < first {
            Self(first)
        } else if millis > last {
            Self(last)
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The instant `millis` later (or earlier, when negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The instant `seconds` later (or earlier, when negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// The instant in UTC for people: `23 Nov 2026, 08:30 UTC`.
    #[must_use]
    pub fn human_utc(self) -> String {
        self.utc().format("%-d %b %Y, %H:%M UTC").to_string()
    }

    /// Its date and time in UTC.
    pub(super) fn naive_utc(self) -> NaiveDateTime {
        self.utc().naive_utc()
    }

    pub(super) fn from_naive_utc(utc: NaiveDateTime) -> Self {
        Self::from_millis(utc.and_utc().timestamp_millis())
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self::from_millis(instant.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        DateTime::parse_from_rfc3339(text)
            .map(|instant| instant.with_timezone(&Utc).into())
            .map_err(|_| Error::invalid("Enter a time as RFC 3339, for example 2026-11-23T08:30:00Z."))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| de::Error::custom(error.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_milliseconds_and_parsed_with_any_offset() {
        let instant: Timestamp = "2026-11-23T09:30:00.12+01:00".parse().expect("valid");
        assert_eq!(instant.to_string(), "2026-11-23T08:30:00.120Z");
        assert_eq!(instant.to_string().parse::<Timestamp>().expect("round trip"), instant);
    }

    #[test]
    fn invalid_times_and_times_without_a_zone_are_rejected() {
        for text in ["", "yesterday", "2026-11-23", "2026-11-23T08:30:00", "2026-02-30T00:00:00Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_stays_in_the_range_of_rfc_3339() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::EPOCH.plus_seconds(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }
}
