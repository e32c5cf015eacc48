//! The world's time zones, out of the database of them that is built in: their names, and what of one a page needs
//! (domain rule 3.9). Knows no organization and no request.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, OffsetName, TZ_VARIANTS, Tz, TzOffset};

use crate::model::{Error, Result, Timestamp, Zone, ZoneShift};
use aliases::OLD_NAMES;

/// The parts of the world that zones are named by. Names outside them are abbreviations and old spellings.
const AREAS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// The zone of that name, with its shifts from the year before an instant's to the third year after it.
///
/// # Errors
/// When there is no zone of that name.
pub fn zone(name: &str, around: Timestamp) -> Result<Zone> {
    between(name, around, around)
}

/// As [`zone`], for two instants and all between them.
///
/// # Errors
/// When there is no zone of that name.
pub fn between(name: &str, first: Timestamp, last: Timestamp) -> Result<Zone> {
    let zone = find(name)?;
    let (from, to) = (new_year(zone, utc(first).year() - 1), new_year(zone, utc(last).year() + 4));
    let mut shifts = vec![shift(zone, from)];
    let (mut known, mut shown) = (from, clock(zone, from));
    while known < to {
        let next = known.plus_seconds(86_400).min(to);
        let then = clock(zone, next);
        if !alike(then, shown) {
            shifts.push(shift(zone, first_of(zone, then, known, next)));
        }
        (known, shown) = (next, then);
    }
    Ok(Zone { name: zone.name().to_owned(), shifts })
}

/// A zone's name in today's spelling: `asia/calcutta` is `Asia/Kolkata`.
///
/// # Errors
/// When there is no zone of that name.
pub fn canonical(name: &str) -> Result<String> {
    let name = find(name)?.name();
    let old = OLD_NAMES.iter().find(|(old, _)| *old == name);
    Ok(old.map_or(name, |(_, new)| new).to_owned())
}

/// Every zone there is to choose from, in order of the alphabet, with UTC.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let placed = |name: &str| name.split_once('/').is_some_and(|(area, _)| AREAS.contains(&area));
    let old = |name: &str| OLD_NAMES.iter().any(|(old, _)| *old == name);
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let mut names: Vec<_> = names.filter(|name| *name == "UTC" || (placed(name) && !old(name))).collect();
    names.sort_unstable();
    names
}

/// The zone of that name, however its letters are written.
pub(super) fn find(name: &str) -> Result<Tz> {
    let name = name.trim();
    let spelled = || TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name));
    Tz::from_str(name).ok().or_else(spelled).ok_or_else(|| {
        Error::field("time_zone", "Enter the name of a time zone as its area and city, such as Europe/Berlin, or UTC.")
    })
}

/// What the zone's clocks show at an instant.
pub(super) fn local(zone: Tz, at: Timestamp) -> NaiveDateTime {
    utc(at).with_timezone(&zone).naive_local()
}

/// The instant the zone's clocks show this. Of two the earlier; a time that the clocks skip counts on from before the
/// skip, as in [`Zone::instant`].
pub(super) fn instant(zone: Tz, local: NaiveDateTime) -> Timestamp {
    let shown = zone.from_local_datetime(&local).earliest().map(|at| at.offset().fix());
    let skipped = || GapInfo::new(&local, &zone)?.begin.map(|(_, before)| before.fix());
    let ahead = shown.or_else(skipped).map_or(0, |offset| offset.local_minus_utc());
    Timestamp::from(local.and_utc()).plus_seconds(-i64::from(ahead))
}

/// The first instant of a year.
fn new_year(zone: Tz, year: i32) -> Timestamp {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    instant(zone, day.and_time(NaiveTime::MIN))
}

/// The first second at which the clocks show what they show at the end of a stretch in which they change once.
fn first_of(zone: Tz, then: TzOffset, before: Timestamp, after: Timestamp) -> Timestamp {
    let (mut before, mut after) = (before.millis() / 1000, after.millis() / 1000);
    while before + 1 < after {
        let middle = i64::midpoint(before, after);
        let shown = clock(zone, Timestamp::EPOCH.plus_seconds(middle));
        if alike(shown, then) { after = middle } else { before = middle }
    }
    Timestamp::EPOCH.plus_seconds(after)
}

/// What the clocks go by at an instant.
fn clock(zone: Tz, at: Timestamp) -> TzOffset {
    zone.offset_from_utc_datetime(&utc(at).naive_utc())
}

/// Whether people see no difference: the same time with the same letters behind it.
fn alike(one: TzOffset, other: TzOffset) -> bool {
    one.fix() == other.fix() && one.abbreviation() == other.abbreviation()
}

fn shift(zone: Tz, from: Timestamp) -> ZoneShift {
    let shown = clock(zone, from);
    let offset = shown.fix().local_minus_utc();
    let abbreviation = shown.abbreviation().map_or_else(|| ahead_of_utc(offset), str::to_owned);
    ZoneShift { from, offset, abbreviation }
}

/// What is written behind the time where people have no letters for it: `UTC+3`, `UTC+5:45`.
fn ahead_of_utc(offset: i32) -> String {
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
