//! Expands a recurrence rule day by day (RFC 5545, section 3.3.10). The work is bounded by the days looked at, whatever
//! the rule: the library that parses rules would search thousands of years for one that never occurs.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

/// A rule without COUNT and UNTIL, in local time without daylight saving.
#[derive(Debug)]
pub struct Expansion {
    /// The rule with its defaults filled in.
    rule: RRule,
    month_days: Vec<i16>,
    weeks: Vec<i16>,
    weekdays: Vec<Weekday>,
    nth_weekdays: Vec<(i64, Weekday)>,
    times: Vec<NaiveTime>,
    start: NaiveDateTime,
}

impl Expansion {
    /// Reads a rule as `written`, and as validated for its start.
    pub fn new(written: &RRule<Unvalidated>, rule: RRule, start: NaiveDateTime) -> Self {
        // Validation moves negative days of the month to where they cannot be read.
        let negative_days = written.get_by_month_day().iter().filter(|day| **day < 0);
        let month_days = rule.get_by_month_day().iter().chain(negative_days).map(|day| (*day).into()).collect();
        let weeks = rule.get_by_week_no().iter().map(|week| (*week).into()).collect();
        let (mut weekdays, mut nth_weekdays) = (Vec::new(), Vec::new());
        for day in rule.get_by_weekday() {
            match *day {
                NWeekday::Every(weekday) => weekdays.push(weekday),
                NWeekday::Nth(n, weekday) => nth_weekdays.push((n.into(), weekday)),
            }
        }
        if rule.get_freq() > Frequency::Monthly {
            nth_weekdays.clear();
        }
        let mut times = Vec::new();
        for hour in rule.get_by_hour() {
            for minute in rule.get_by_minute() {
                let seconds = rule.get_by_second().iter();
                times.extend(
                    seconds.filter_map(|second| {
                        NaiveTime::from_hms_opt((*hour).into(), (*minute).into(), (*second).into())
                    }),
                );
            }
        }
        Self { rule, month_days, weeks, weekdays, nth_weekdays, times, start }
    }

    /// How many times of a day the rule lists.
    pub fn times_a_day(&self) -> usize {
        let rule = &self.rule;
        rule.get_by_hour().len() * rule.get_by_minute().len() * rule.get_by_second().len()
    }

    /// The occurrences from the start on, in order, up to the end of the period (the year for FREQ=YEARLY) that has the
    /// day `last`.
    pub fn until(&self, last: NaiveDate) -> impl Iterator<Item = NaiveDateTime> {
        let periods = (0..).map_while(move |index| self.period(index).filter(|(first, _)| *first <= last));
        periods.flat_map(|(first, end)| self.within(first, end)).filter(|time| *time >= self.start)
    }

    /// The first day of a period of the rule, and the day after its last.
    fn period(&self, index: u32) -> Option<(NaiveDate, NaiveDate)> {
        let interval = u32::from(self.rule.get_interval());
        let (day, steps) = (self.start.date(), index.checked_mul(interval).filter(|_| interval > 0)?);
        match self.rule.get_freq() {
            Frequency::Yearly => {
                let first = day.with_ordinal(1)?.checked_add_months(Months::new(steps.checked_mul(12)?))?;
                Some((first, first.checked_add_months(Months::new(12))?))
            }
            Frequency::Monthly => {
                let first = day.with_day(1)?.checked_add_months(Months::new(steps))?;
                Some((first, first.checked_add_months(Months::new(1))?))
            }
            Frequency::Weekly => {
                let week = day.week(self.rule.get_week_start()).checked_first_day()?;
                let first = week.checked_add_days(Days::new(u64::from(steps) * 7))?;
                Some((first.max(day), first.checked_add_days(Days::new(7))?))
            }
            _ => {
                let first = day.checked_add_days(Days::new(steps.into()))?;
                Some((first, first.succ_opt()?))
            }
        }
    }

    /// The occurrences of a period, in order.
    fn within(&self, first: NaiveDate, end: NaiveDate) -> Vec<NaiveDateTime> {
        let days = first.iter_days().take_while(|day| *day < end).filter(|day| self.has(*day));
        let all: Vec<_> = days.flat_map(|day| self.times.iter().map(move |time| day.and_time(*time))).collect();
        let positions = self.rule.get_by_set_pos();
        if positions.is_empty() {
            return all;
        }
        let picked = positions.iter().filter_map(|position| {
            let place = usize::try_from(position.unsigned_abs()).ok()?;
            let index = if *position > 0 { place.checked_sub(1) } else { all.len().checked_sub(place) };
            all.get(index?).copied()
        });
        let mut picked: Vec<_> = picked.collect();
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    /// Whether the rule names a day.
    fn has(&self, day: NaiveDate) -> bool {
        let (rule, month) = (&self.rule, bounds_of_month(day));
        let position = |first: NaiveDate, last: NaiveDate| ((day - first).num_days(), (last - day).num_days());
        // Lists have at most a few hundred entries, since a rule has at most 500 characters.
        let is_listed = |list: &[i16], (before, after): (i64, i64)| {
            list.iter().any(|entry| i64::from(*entry) == before + 1 || i64::from(*entry) == -after - 1)
        };
        let months = rule.get_by_month();
        if !months.is_empty() && !months.iter().any(|month| u32::from(*month) == day.month()) {
            return false;
        }
        if !self.weekdays.is_empty() && !self.weekdays.contains(&day.weekday()) {
            return false;
        }
        if !self.month_days.is_empty() && !is_listed(&self.month_days, position(month.0, month.1)) {
            return false;
        }
        let year = bounds_of_year(day);
        if !rule.get_by_year_day().is_empty() && !is_listed(rule.get_by_year_day(), position(year.0, year.1)) {
            return false;
        }
        let is_week = || week_of(day, rule.get_week_start()).is_some_and(|week| is_listed(&self.weeks, week));
        if !self.weeks.is_empty() && !is_week() {
            return false;
        }
        let of_year = rule.get_freq() == Frequency::Yearly && months.is_empty();
        let (before, after) = if of_year { position(year.0, year.1) } else { position(month.0, month.1) };
        let is_nth = |n: i64| n == before / 7 + 1 || n == -(after / 7) - 1;
        self.nth_weekdays.is_empty()
            || self.nth_weekdays.iter().any(|(n, weekday)| *weekday == day.weekday() && is_nth(*n))
    }
}

/// The first and the last day of a month.
fn bounds_of_month(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = day.with_day(1).unwrap_or(day);
    (first, first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(day))
}

/// The first and the last day of a year.
fn bounds_of_year(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let year = |month, of_month| NaiveDate::from_ymd_opt(day.year(), month, of_month).unwrap_or(day);
    (year(1, 1), year(12, 31))
}

/// How many weeks of its year are before that of a day, and how many after it. A week belongs to the year that has four
/// days of it or more.
fn week_of(day: NaiveDate, start: Weekday) -> Option<(i64, i64)> {
    let fourth = |day: NaiveDate| day.week(start).checked_first_day()?.checked_add_days(Days::new(3));
    let number = |day: NaiveDate| i64::from(day.ordinal0() / 7);
    let this = fourth(day)?;
    let last = fourth(NaiveDate::from_ymd_opt(this.year(), 12, 28)?)?;
    Some((number(this), number(last) - number(this)))
}
