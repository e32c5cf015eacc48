//! Time zones from the built-in IANA database: their names, and the offset changes that a page needs (domain rule 3.9).

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, OffsetName, TZ_VARIANTS, Tz, TzOffset};

use crate::model::{Error, Result, Timestamp, Zone, ZoneShift};
use aliases::OLD_NAMES;

/// The areas of zone names. Names outside them are abbreviations and old names.
const AREAS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// A zone with its shifts from the year before `around` to the third year after it.
///
/// # Errors
/// `invalid` for an unknown name.
pub fn zone(name: &str, around: Timestamp) -> Result<Zone> {
    between(name, around, around)
}

/// As [`zone`], for all times from `first` to `last`.
///
/// # Errors
/// `invalid` for an unknown name.
pub fn between(name: &str, first: Timestamp, last: Timestamp) -> Result<Zone> {
    let zone = find(name)?;
    let (from, to) = (new_year(zone, utc(first).year() - 1), new_year(zone, utc(last).year() + 4));
    let mut shifts = vec![shift(zone, from)];
    let (mut known, mut shown) = (from, offset_at(zone, from));
    while known < to {
        let next = known.plus_seconds(86_400).min(to);
        let then = offset_at(zone, next);
        if !looks_same(then, shown) {
            shifts.push(shift(zone, first_of(zone, then, known, next)));
        }
        (known, shown) = (next, then);
    }
    Ok(Zone { name: zone.name().to_owned(), shifts })
}

/// The current name of a zone: `Asia/Kolkata` for `asia/calcutta`.
///
/// # Errors
/// `invalid` for an unknown name.
pub fn canonical(name: &str) -> Result<String> {
    let name = find(name)?.name();
    let old = OLD_NAMES.iter().find(|(old, _)| *old == name);
    Ok(old.map_or(name, |(_, new)| new).to_owned())
}

/// The names to choose from, sorted, including UTC.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let has_area = |name: &str| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    let is_old = |name: &str| OLD_NAMES.iter().any(|(old, _)| *old == name);
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let mut names: Vec<_> = names.filter(|name| *name == "UTC" || (has_area(name) && !is_old(name))).collect();
    names.sort_unstable();
    names
}

/// Finds a zone by name, ignoring case.
pub(super) fn find(name: &str) -> Result<Tz> {
    let name = name.trim();
    let spelled = || TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name));
    Tz::from_str(name)
        .ok()
        .or_else(spelled)
        .ok_or_else(|| Error::field("time_zone", "Enter a time zone such as Europe/Berlin, or UTC."))
}

/// The local time of a zone.
pub(super) fn local(zone: Tz, at: Timestamp) -> NaiveDateTime {
    utc(at).with_timezone(&zone).naive_local()
}

/// The instant of a local time: the earlier of two; a skipped time is read with the offset before the gap, as in
/// [`Zone::instant`].
pub(super) fn instant(zone: Tz, local: NaiveDateTime) -> Timestamp {
    let shown = zone.from_local_datetime(&local).earliest().map(|at| at.offset().fix());
    let skipped = || GapInfo::new(&local, &zone)?.begin.map(|(_, before)| before.fix());
    let ahead = shown.or_else(skipped).map_or(0, |offset| offset.local_minus_utc());
    Timestamp::from(local.and_utc()).plus_seconds(-i64::from(ahead))
}

/// The start of a year.
fn new_year(zone: Tz, year: i32) -> Timestamp {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    instant(zone, day.and_time(NaiveTime::MIN))
}

/// The first second with the offset `then`, by binary search in an interval with one change.
fn first_of(zone: Tz, then: TzOffset, before: Timestamp, after: Timestamp) -> Timestamp {
    let (mut before, mut after) = (before.millis() / 1000, after.millis() / 1000);
    while before + 1 < after {
        let middle = i64::midpoint(before, after);
        let shown = offset_at(zone, Timestamp::EPOCH.plus_seconds(middle));
        if looks_same(shown, then) { after = middle } else { before = middle }
    }
    Timestamp::EPOCH.plus_seconds(after)
}

/// The offset at an instant.
fn offset_at(zone: Tz, at: Timestamp) -> TzOffset {
    zone.offset_from_utc_datetime(&utc(at).naive_utc())
}

/// Whether two offsets look the same: same local time, same abbreviation.
fn looks_same(one: TzOffset, other: TzOffset) -> bool {
    one.fix() == other.fix() && one.abbreviation() == other.abbreviation()
}

fn shift(zone: Tz, from: Timestamp) -> ZoneShift {
    let shown = offset_at(zone, from);
    let offset = shown.fix().local_minus_utc();
    let abbreviation = shown.abbreviation().map_or_else(|| numeric_abbreviation(offset), str::to_owned);
    ZoneShift { from, offset, abbreviation }
}

/// The abbreviation of an offset without a name: `UTC+3`, `UTC+5:45`.
fn numeric_abbreviation(offset: i32) -> String {
    let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
    match (offset, minutes) {
        (0, _) => "UTC".to_owned(),
        (_, 0) => format!("UTC{}{hours}", if offset < 0 { '-' } else { '+' }),
        _ => format!("UTC{}{hours}:{minutes:02}", if offset < 0 { '-' } else { '+' }),
    }
}

fn utc(at: Timestamp) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(at.millis())
}

mod aliases;
#[cfg(test)]
mod tests;
