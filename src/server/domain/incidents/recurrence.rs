//! When something that comes back comes back: RFC 5545 rules, read in the local time of a zone (domain rule 3.6.9).
//!
//! The rule is followed on the clock on the wall, which knows no summer time, and only then told as instants; so 03:00
//! stays 03:00 on both sides of a shift. Its COUNT and UNTIL are kept here, since both speak of those instants.

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;

use std::iter;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, Unvalidated};

use crate::{
    model::{Error, Result, Timestamp},
    server::domain::zones,
};

/// The longest rule, in characters.
const LONGEST: usize = 500;

/// The most often a rule may happen by its own COUNT.
const MOST_COUNTED: u32 = 1000;

/// The most often a rule may happen in a day: a year is worked out at once, so that this bounds the work.
const MOST_A_DAY: usize = 24;

/// What comes back later than this does not come back, in seconds: a hundred years.
const LONG_SECONDS: i64 = 36_525 * 86_400;

/// What is left of a rule without its bounds, and those bounds.
#[derive(Debug)]
struct Rule {
    rhythm: RRule<Unvalidated>,
    count: Option<u32>,
    until: Option<Timestamp>,
}

/// Checks a rule for something that first starts at `first_start`, and spells it as it is kept: in capitals, without
/// blanks and without `RRULE:`.
///
/// # Errors
/// `invalid`, saying what is wrong with the rule, or that there is no such zone.
pub fn check(rule: &str, first_start: Timestamp, zone: &str) -> Result<String> {
    let zone = zones::find(zone)?;
    let text = normalized(rule)?;
    let rule = parse(&text, zone)?;
    if rule.rhythm.get_freq() > Frequency::Daily {
        return Err(refused("Repeat it daily at most: FREQ is DAILY, WEEKLY, MONTHLY or YEARLY."));
    }
    if rule.count.is_some_and(|count| count > MOST_COUNTED) {
        return Err(refused("Let it happen 1000 times at most, or leave COUNT out and end it when it is enough."));
    }
    if rule.until.is_some_and(|until| until < first_start) {
        return Err(refused("UNTIL lies before the first start. Choose a later end, or leave it out."));
    }
    let local = zones::local(zone, first_start);
    let set = rule.rhythm.build(on_the_wall(local)).map_err(|_| not_understood())?;
    let times = |rule: &RRule| rule.get_by_hour().len() * rule.get_by_minute().len() * rule.get_by_second().len();
    if set.get_rrule().iter().map(times).any(|times| times > MOST_A_DAY) {
        return Err(refused("Let it happen 24 times a day at most: BYHOUR, BYMINUTE and BYSECOND name more times."));
    }
    let happens = rule.count != Some(0) && set.limit().into_iter().next().is_some();
    if happens { Ok(text) } else { Err(refused("This rule never happens. Check its days, months and INTERVAL.")) }
}

/// The starts by a checked rule: after `after`, or from the first one on; not later than `until`; at most `most`; in
/// order. The first start counts as the first even where the rule would not name it. A rule that cannot be read has no
/// other.
pub fn occurrences(
    rule: &str,
    first_start: Timestamp,
    zone: &str,
    after: Option<Timestamp>,
    until: Timestamp,
    most: usize,
) -> Vec<Timestamp> {
    let read = || {
        let zone = zones::find(zone).ok()?;
        let rule = parse(rule, zone).ok()?;
        let local = zones::local(zone, first_start);
        Some((zone, rule.count, rule.until, local, rule.rhythm.build(on_the_wall(local)).ok()?))
    };
    let wanted = |start: &Timestamp| *start <= until && after.is_none_or(|after| *start > after);
    let Some((zone, count, end, local, set)) = read() else {
        return iter::once(first_start).filter(wanted).take(most).collect();
    };
    let set = set.limit();
    let part = TimeDelta::nanoseconds(local.nanosecond().into());
    let later = set.into_iter().map(|start| start.naive_utc() + part).filter(|start| *start > local);
    // A start that the clocks skip may come out behind its successor: look a day beyond the end, and sort.
    let horizon = zones::local(zone, until) + Days::new(1);
    let later = later.take_while(|start| *start <= horizon).map(|start| zones::instant(zone, start));
    let later = later.filter(|start| *start > first_start && end.is_none_or(|end| *start <= end));
    let starts = iter::once(first_start).chain(later).take(count.map_or(usize::MAX, |count| count as usize));
    let enough = most.saturating_add(2 * MOST_A_DAY);
    let mut starts: Vec<_> = starts.filter(wanted).take(enough).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.truncate(most);
    starts
}

/// The start that follows on one by a checked rule; none when that was the last, for a hundred years at least.
pub fn next(rule: &str, first_start: Timestamp, zone: &str, after: Timestamp) -> Option<Timestamp> {
    occurrences(rule, first_start, zone, Some(after), after.plus_seconds(LONG_SECONDS), 1).pop()
}

/// A rule in capitals, without blanks, `RRULE:` and a trailing semicolon; only what rules are made of.
fn normalized(rule: &str) -> Result<String> {
    if rule.chars().count() > LONGEST {
        return Err(refused("Shorten the rule to at most 500 characters."));
    }
    let text: String = rule.trim().to_ascii_uppercase().chars().filter(|letter| *letter != ' ').collect();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text);
    if ["DTSTART", "DTEND", "EXRULE", "EXDATE", "RDATE", "RRULE"].iter().any(|other| text.contains(other)) {
        return Err(refused(
            "Enter one rule alone. Where it begins is said by the first start, and nothing is left out.",
        ));
    }
    let text = text.strip_suffix(';').unwrap_or(text);
    let known = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || "=;,+-".contains(letter);
    if text.is_empty() || !text.chars().all(known) { Err(not_understood()) } else { Ok(text.to_owned()) }
}

/// Reads a normalized rule.
fn parse(text: &str, zone: Tz) -> Result<Rule> {
    let (mut count, mut until, mut rest) = (None, None, Vec::new());
    for part in text.split(';') {
        match part.split_once('=') {
            Some(("COUNT", number)) if count.is_none() => count = Some(number.parse().map_err(|_| not_understood())?),
            Some(("UNTIL", end)) if until.is_none() => until = Some(parse_until(end, zone).ok_or_else(not_understood)?),
            Some(("COUNT" | "UNTIL", _)) | None => return Err(not_understood()),
            Some(_) => rest.push(part),
        }
    }
    if count.is_some() && until.is_some() {
        return Err(refused("Say either COUNT or UNTIL, not both."));
    }
    let rhythm = rest.join(";").parse().map_err(|_| not_understood())?;
    Ok(Rule { rhythm, count, until })
}

/// The last instant that an UNTIL allows: a day counts as a whole, a time without `Z` is local.
fn parse_until(end: &str, zone: Tz) -> Option<Timestamp> {
    if let Ok(day) = NaiveDate::parse_from_str(end, "%Y%m%d") {
        let next = zones::instant(zone, day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN));
        return Some(next.plus_millis(-1));
    }
    let time = NaiveDateTime::parse_from_str(end.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok()?;
    Some(if end.ends_with('Z') { time.and_utc().into() } else { zones::instant(zone, time) })
}

/// A local time as the library takes it, to the second: in a zone that has no shifts.
fn on_the_wall(local: NaiveDateTime) -> chrono::DateTime<rrule::Tz> {
    local.with_nanosecond(0).unwrap_or(local).and_utc().with_timezone(&rrule::Tz::UTC)
}

fn not_understood() -> Error {
    refused("This is no rule that can be followed. Write it as in FREQ=WEEKLY;BYDAY=TU or FREQ=MONTHLY;BYDAY=1SU.")
}

fn refused(why: &str) -> Error {
    Error::field("recurrence", why)
}
