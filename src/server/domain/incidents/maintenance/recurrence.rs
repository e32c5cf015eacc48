//! Recurrence of maintenances: RFC 5545 rules, evaluated in the local time of a zone (domain rule 3.6.9).
//!
//! A rule is expanded in local time without daylight saving and then converted to instants, so 03:00 stays 03:00 on
//! both sides of a shift. COUNT and UNTIL are applied here, as both refer to instants. A library parses rules; they are
//! expanded by [`Expansion`] and only for ten years, so that a rule costs less than a millisecond whatever it says.

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;

use std::iter;

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, Unvalidated};

use super::expansion::Expansion;
use crate::{
    model::{Error, Result, Timestamp},
    server::domain::zones,
};

/// The longest rule, in characters.
const RULE_MAX: usize = 500;

/// The largest COUNT.
const COUNT_MAX: u32 = 1000;

/// The most occurrences in a day. A period is expanded at once, so this bounds the work.
const PER_DAY_MAX: usize = 24;

/// How far ahead an occurrence is searched, in seconds: ten years, since 29 February may be eight years away.
const SEARCH_SECONDS: i64 = 3_653 * 86_400;

/// A rule without its bounds, and its bounds.
#[derive(Debug)]
struct Rule {
    unbounded: RRule<Unvalidated>,
    count: Option<u32>,
    until: Option<Timestamp>,
}

impl Rule {
    /// The expansion from a local start on; none for an invalid rule.
    fn expand(&self, start: NaiveDateTime) -> Option<Expansion> {
        let start = start.with_nanosecond(0)?;
        let rule = self.unbounded.clone().validate(start.and_utc().with_timezone(&rrule::Tz::UTC)).ok()?;
        Some(Expansion::new(&self.unbounded, rule, start))
    }
}

/// Checks a rule whose first occurrence is at `first_start`; returns it normalized: in upper case, without blanks and
/// without `RRULE:`.
///
/// # Errors
/// `invalid`, for the rule or for an unknown zone.
pub fn check(rule: &str, first_start: Timestamp, zone: &str) -> Result<String> {
    let zone = zones::find(zone)?;
    let text = normalized(rule)?;
    let rule = parse(&text, zone)?;
    if rule.unbounded.get_freq() > Frequency::Daily {
        return Err(rejected("A rule can repeat at most daily: FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY."));
    }
    if rule.count.is_some_and(|count| count > COUNT_MAX) {
        return Err(rejected("COUNT can be at most 1000. Omit it to repeat until you end the series."));
    }
    if rule.until.is_some_and(|until| until < first_start) {
        return Err(rejected("UNTIL is before the first start. Choose a later date, or omit it."));
    }
    let local = zones::local(zone, first_start);
    let expansion = rule.expand(local).ok_or_else(not_valid)?;
    if expansion.times_a_day() > PER_DAY_MAX {
        return Err(rejected(
            "A rule can repeat at most 24 times a day: BYHOUR, BYMINUTE and BYSECOND list more times.",
        ));
    }
    let last = zones::local(zone, first_start.plus_seconds(SEARCH_SECONDS)).date();
    let occurs = rule.count != Some(0) && expansion.until(last).next().is_some();
    if occurs {
        return Ok(text);
    }
    Err(rejected("This rule never occurs in the ten years after the first start. Check its days, months and INTERVAL."))
}

/// The starts of a checked rule within ten years, in order: after `after`, or from the first one on; at most `most`.
/// The first start counts even if the rule does not name it; of an invalid rule it is the only one.
pub fn occurrences(
    rule: &str,
    first_start: Timestamp,
    zone: &str,
    after: Option<Timestamp>,
    most: usize,
) -> Vec<Timestamp> {
    let read = || {
        let zone = zones::find(zone).ok()?;
        let rule = parse(rule, zone).ok()?;
        let local = zones::local(zone, first_start);
        let expansion = rule.expand(local)?;
        Some((zone, rule, local, expansion))
    };
    let wanted = |start: &Timestamp| after.is_none_or(|after| *start > after);
    let Some((zone, rule, local, expansion)) = read() else {
        return iter::once(first_start).filter(wanted).take(most).collect();
    };
    let last = zones::local(zone, after.unwrap_or(first_start).plus_seconds(SEARCH_SECONDS)).date();
    // Only COUNT needs those before; a start that the clocks skip is moved by a day at most.
    let from = after
        .filter(|_| rule.count.is_none())
        .and_then(|after| zones::local(zone, after).checked_sub_days(Days::new(2)));
    let part = TimeDelta::nanoseconds(local.nanosecond().into());
    let later = expansion.until(last).map(|start| start + part).filter(|start| *start > local);
    let later = later.filter(|start| from.is_none_or(|from| *start >= from)).map(|start| zones::instant(zone, start));
    let later = later.filter(|start| *start > first_start && rule.until.is_none_or(|end| *start <= end));
    let starts = iter::once(first_start).chain(later).take(rule.count.map_or(usize::MAX, |count| count as usize));
    // A start that the clocks skip may be moved past its successors: take those of two more days, and sort.
    let enough = most.saturating_add(2 * PER_DAY_MAX);
    let mut starts: Vec<_> = starts.filter(wanted).take(enough).collect();
    starts.sort_unstable();
    starts.dedup();
    starts.truncate(most);
    starts
}

/// A rule in upper case, without blanks, `RRULE:` and a trailing semicolon; rejects other characters.
fn normalized(rule: &str) -> Result<String> {
    if rule.chars().count() > RULE_MAX {
        return Err(rejected("Shorten the rule to at most 500 characters."));
    }
    let text: String = rule.trim().to_ascii_uppercase().chars().filter(|letter| *letter != ' ').collect();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text);
    if ["DTSTART", "DTEND", "EXRULE", "EXDATE", "RDATE", "RRULE"].iter().any(|other| text.contains(other)) {
        return Err(rejected(
            "Enter a single RRULE. The first start takes the place of DTSTART, and exceptions are not supported.",
        ));
    }
    let text = text.strip_suffix(';').unwrap_or(text);
    let known = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || "=;,+-".contains(letter);
    if text.is_empty() || !text.chars().all(known) { Err(not_valid()) } else { Ok(text.to_owned()) }
}

/// Parses a normalized rule.
fn parse(text: &str, zone: Tz) -> Result<Rule> {
    let (mut count, mut until, mut rest) = (None, None, Vec::new());
    for part in text.split(';') {
        match part.split_once('=') {
            Some(("COUNT", number)) if count.is_none() => count = Some(number.parse().map_err(|_| not_valid())?),
            Some(("UNTIL", end)) if until.is_none() => until = Some(parse_until(end, zone).ok_or_else(not_valid)?),
            Some(("COUNT" | "UNTIL", _)) | None => return Err(not_valid()),
            Some(_) => rest.push(part),
        }
    }
    if count.is_some() && until.is_some() {
        return Err(rejected("Use either COUNT or UNTIL, not both."));
    }
    let unbounded = rest.join(";").parse().map_err(|_| not_valid())?;
    Ok(Rule { unbounded, count, until })
}

/// The instant of an UNTIL: the end of a day; a time without `Z` is local.
fn parse_until(end: &str, zone: Tz) -> Option<Timestamp> {
    if let Ok(day) = NaiveDate::parse_from_str(end, "%Y%m%d") {
        let next = zones::instant(zone, day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN));
        return Some(next.plus_millis(-1));
    }
    let time = NaiveDateTime::parse_from_str(end.trim_end_matches('Z'), "%Y%m%dT%H%M%S").ok()?;
    Some(if end.ends_with('Z') { time.and_utc().into() } else { zones::instant(zone, time) })
}

fn not_valid() -> Error {
    rejected("This is not a valid recurrence rule. Examples: FREQ=WEEKLY;BYDAY=TU, FREQ=MONTHLY;BYDAY=1SU.")
}

fn rejected(why: &str) -> Error {
    Error::field("recurrence", why)
}
