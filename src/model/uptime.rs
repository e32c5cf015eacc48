//! Uptime of a service over the last 90 days, computed from its status changes and corrections (domain rule 3.7).

use serde::{Deserialize, Serialize};

use super::{ServiceStatus, StatusChange, Timestamp, Zone};

/// The number of days covered, today included (domain rule 3.7.3).
pub const DAYS: usize = 90;
const DAY_SECONDS: u64 = 86_400;
/// The weights of major and partial outages, in tenths so that sums stay exact (domain rule 3.7.1).
const MAJOR_TENTHS: u64 = 10;
const PARTIAL_TENTHS: u64 = 3;

/// The outages of a service on one calendar day of the page's time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UptimeDay {
    /// The day, as `2026-11-23`.
    #[schema(format = Date)]
    pub date: String,
    /// Whether the service existed on that day. A day without data is left out of the uptime.
    pub has_data: bool,
    /// Seconds of major outage.
    pub major_outage_seconds: u64,
    /// Seconds of partial outage.
    pub partial_outage_seconds: u64,
    /// Seconds of degraded performance; they count as up.
    pub degraded_seconds: u64,
    /// Seconds of maintenance; they count as up.
    pub under_maintenance_seconds: u64,
}

/// A service's uptime over the last 90 days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Uptime {
    /// The uptime in percent with two decimals, rounded down, so that 100 means no downtime at all; null without data.
    pub percent: Option<f64>,
    /// The share of a partial outage that counts as downtime.
    pub partial_outage_weight: f64,
    /// The days, oldest first; the last is today.
    pub days: Vec<UptimeDay>,
}

impl Uptime {
    /// Computes the uptime of a service that was created at `created` and has `status` now, from its status changes in
    /// any order. Before the first of them it had that change's old status. Days are those of the zone (domain rule
    /// 3.7.4). Corrections count where they are worse (domain rule 3.5).
    #[must_use]
    pub fn of(
        (created, status): (Timestamp, ServiceStatus),
        mut changes: Vec<StatusChange>,
        corrections: &[Correction],
        zone: &Zone,
        now: Timestamp,
    ) -> Self {
        changes.sort_by_key(|change| (change.created_at, change.id));
        let mut day = zone.day(now);
        let mut ends = zone.start_of(day.next());
        let mut days: Vec<(Timestamp, Timestamp, UptimeDay)> = Vec::with_capacity(DAYS);
        for _ in 0..DAYS {
            let start = zone.start_of(day);
            let has_data = created < ends;
            days.push((start, ends, UptimeDay { date: day.to_string(), has_data, ..UptimeDay::default() }));
            (day, ends) = (day.previous(), start);
        }
        days.reverse();

        let mut current = changes.first().map_or(status, |change| change.old_status);
        let mut from = created.max(ends);
        let turns = changes.iter().map(|change| (change.created_at, change.new_status));
        // The last status lasts until now (domain rule 3.7.9).
        for (at, next) in turns.chain([(now, status)]) {
            let until = at.max(from);
            for (from, until, status) in corrected((from, until, current), corrections) {
                spread(&mut days, from, until, status);
            }
            (from, current) = (until, next);
        }
        let days: Vec<UptimeDay> = days.into_iter().map(|(.., day)| day).collect();
        Self { percent: percent(&days), partial_outage_weight: 0.3, days }
    }
}

/// A correction: a period in which a service was worse than its recorded status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The start.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
    /// The actual status.
    pub status: ServiceStatus,
}

/// Splits a period of one status where corrections begin and end, and applies those that are worse.
fn corrected(
    (from, until, status): (Timestamp, Timestamp, ServiceStatus),
    corrections: &[Correction],
) -> Vec<(Timestamp, Timestamp, ServiceStatus)> {
    let edges = corrections.iter().flat_map(|correction| [correction.from, correction.until]);
    let mut cuts: Vec<Timestamp> = edges.filter(|edge| from < *edge && *edge < until).chain([from, until]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let worst = |at: Timestamp| {
        let covering = corrections.iter().filter(|correction| correction.from <= at && at < correction.until);
        covering.map(|correction| correction.status).fold(status, ServiceStatus::max)
    };
    cuts.windows(2).map(|pair| (pair[0], pair[1], worst(pair[0]))).collect()
}

/// Adds a period to the days it falls on.
fn spread(days: &mut [(Timestamp, Timestamp, UptimeDay)], from: Timestamp, until: Timestamp, status: ServiceStatus) {
    for (start, end, day) in days {
        let millis = until.min(*end).millis() - from.max(*start).millis();
        let seconds = u64::try_from(millis / 1000).unwrap_or(0);
        match status {
            ServiceStatus::MajorOutage => day.major_outage_seconds += seconds,
            ServiceStatus::PartialOutage => day.partial_outage_seconds += seconds,
            ServiceStatus::Degraded => day.degraded_seconds += seconds,
            ServiceStatus::UnderMaintenance => day.under_maintenance_seconds += seconds,
            ServiceStatus::Operational => {}
        }
    }
}

/// The displayed figure: of whole days, rounded down (domain rules 3.7.2 and 3.7.3); none without data.
fn percent(days: &[UptimeDay]) -> Option<f64> {
    let with_data = days.iter().filter(|day| day.has_data);
    let (mut count, mut down) = (0_u64, 0_u64);
    for day in with_data {
        count += 1;
        down += day.major_outage_seconds * MAJOR_TENTHS + day.partial_outage_seconds * PARTIAL_TENTHS;
    }
    let all = count * DAY_SECONDS * MAJOR_TENTHS;
    let hundredths = (all.saturating_sub(down) * 10_000).checked_div(all)?;
    u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
}

#[cfg(test)]
mod tests {
    use ServiceStatus::{Degraded, MajorOutage, Operational, UnderMaintenance};
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::model::{Cause, ServiceId, StatusChangeId};

    const NOW: i64 = 1_795_400_000_000;
    const DAY_MS: i64 = 86_400_000;

    fn change(n: usize, at: i64, old_status: ServiceStatus, new_status: ServiceStatus) -> StatusChange {
        StatusChange {
            id: StatusChangeId::from_uuid(Uuid::from_u128(n as u128)),
            service_id: ServiceId::from_uuid(Uuid::nil()),
            old_status,
            new_status,
            cause: Cause::Manual,
            changed_by: None,
            created_at: Timestamp::from_millis(at),
        }
    }

    fn uptime(created: i64, status: ServiceStatus, changes: Vec<StatusChange>) -> Uptime {
        Uptime::of((Timestamp::from_millis(created), status), changes, &[], &Zone::utc(), Timestamp::from_millis(NOW))
    }

    /// Days with data, seconds of major and partial outage, and the figure that published status pages showed for them.
    #[test]
    fn rule_3_7_2_reproduces_figures_of_published_status_pages() {
        for (days_with_data, major, partial, shown) in VECTORS {
            let mut days = vec![UptimeDay { has_data: true, ..UptimeDay::default() }; *days_with_data];
            days[0].major_outage_seconds = *major;
            days[0].partial_outage_seconds = *partial;
            assert_eq!(percent(&days), Some(*shown), "{days_with_data} {major} {partial}");
        }
    }

    #[test]
    fn rule_3_7_1_degraded_and_maintenance_count_as_up() {
        let hour = 3_600_000;
        let changes = vec![
            change(1, NOW - 9 * hour, Operational, Degraded),
            change(2, NOW - 6 * hour, Degraded, UnderMaintenance),
            change(3, NOW - 3 * hour, UnderMaintenance, Operational),
        ];
        let uptime = uptime(0, Operational, changes);
        assert_eq!(uptime.percent, Some(100.0));
        assert_eq!(uptime.days.iter().map(|day| day.degraded_seconds).sum::<u64>(), 3 * 3600);
        assert_eq!(uptime.days.iter().map(|day| day.under_maintenance_seconds).sum::<u64>(), 3 * 3600);
    }

    #[test]
    fn rule_3_7_2_the_smallest_downtime_never_shows_as_100() {
        let uptime = uptime(
            0,
            Operational,
            vec![change(1, NOW - 5_000, Operational, MajorOutage), change(2, NOW - 4_000, MajorOutage, Operational)],
        );
        assert_eq!(uptime.percent, Some(99.99));
    }

    #[test]
    fn rule_3_7_3_days_before_the_service_existed_are_no_data_and_shrink_the_divisor() {
        let uptime = uptime(NOW - 10 * DAY_MS, MajorOutage, vec![change(1, NOW - DAY_MS, Operational, MajorOutage)]);
        assert_eq!(uptime.days.iter().filter(|day| day.has_data).count(), 11);
        assert_eq!(uptime.percent, Some(90.9));
        let unborn = (Timestamp::from_millis(NOW), Operational);
        assert_eq!(Uptime::of(unborn, vec![], &[], &Zone::utc(), Timestamp::from_millis(DAY_MS)).percent, None);
    }

    #[test]
    fn rule_3_7_9_an_open_outage_runs_to_now_and_splits_at_midnight() {
        let since = NOW - NOW.rem_euclid(DAY_MS) - 3_600_000;
        let uptime = uptime(0, MajorOutage, vec![change(1, since, Operational, MajorOutage)]);
        assert_eq!(uptime.days[DAYS - 2].major_outage_seconds, 3600);
        assert_eq!(uptime.days[DAYS - 1].major_outage_seconds, NOW.rem_euclid(DAY_MS).unsigned_abs() / 1000);
    }

    #[test]
    fn rule_3_5_a_correction_counts_where_it_is_worse_and_only_once() {
        let hour = 3_600_000;
        let at = |hours: i64| Timestamp::from_millis(NOW - hours * hour);
        let changes = vec![
            change(1, NOW - 4 * hour, Operational, MajorOutage),
            change(2, NOW - 3 * hour, MajorOutage, Operational),
        ];
        let corrections = [
            Correction { from: at(5), until: at(2), status: ServiceStatus::PartialOutage },
            Correction { from: at(5), until: at(2), status: Degraded },
        ];
        let born = (Timestamp::EPOCH, Operational);
        let uptime = Uptime::of(born, changes, &corrections, &Zone::utc(), Timestamp::from_millis(NOW));
        let sum = |of: fn(&UptimeDay) -> u64| uptime.days.iter().map(of).sum::<u64>();
        assert_eq!(sum(|day| day.major_outage_seconds), 3_600);
        assert_eq!(sum(|day| day.partial_outage_seconds), 2 * 3_600);
        assert_eq!(sum(|day| day.degraded_seconds), 0);
    }

    #[test]
    fn rule_3_7_4_days_are_those_of_the_page_and_may_have_25_hours() {
        let zone = crate::model::zone::tests::berlin();
        let now: Timestamp = "2026-10-26T12:00:00Z".parse().expect("an instant");
        let since = change(1, now.plus_seconds(-30 * 86_400).millis(), Operational, MajorOutage);
        let uptime = Uptime::of((Timestamp::EPOCH, MajorOutage), vec![since], &[], &zone, now);
        let day = uptime.days.iter().find(|day| day.date == "2026-10-25").expect("listed");
        assert_eq!(day.major_outage_seconds, 90_000);
        assert_eq!(uptime.days.last().map(|day| day.date.as_str()), Some("2026-10-26"));
    }

    proptest! {
        #[test]
        fn rule_3_7_6_causes_never_add_up_to_more_than_the_day(
            turns in prop::collection::vec((0_i64..95 * DAY_MS / 1000, select(ServiceStatus::ALL)), 0..40),
        ) {
            let mut turns: Vec<_> = turns.into_iter().map(|(ago, status)| (NOW - ago * 1000, status)).collect();
            turns.sort_by_key(|(at, _)| *at);
            let mut status = Operational;
            let changes = turns.iter().enumerate().map(|(n, (at, next))| {
                change(n, *at, std::mem::replace(&mut status, *next), *next)
            }).collect();
            let uptime = uptime(0, status, changes);
            for day in &uptime.days {
                let sum = day.major_outage_seconds + day.partial_outage_seconds + day.degraded_seconds
                    + day.under_maintenance_seconds;
                prop_assert!(sum <= DAY_SECONDS, "{day:?}");
            }
            let percent = uptime.percent.expect("data");
            prop_assert!((0.0..=100.0).contains(&percent));
        }
    }

    #[rustfmt::skip]
    const VECTORS: &[(usize, u64, u64, f64)] = &[
        (90, 56, 0, 99.99),
        (90, 5721, 0, 99.92),
        (90, 1278, 0, 99.98),
        (90, 1427, 0, 99.98),
        (40, 149, 0, 99.99),
        (90, 3259, 3855, 99.94),
        (90, 9917, 1603, 99.86),
        (90, 9039, 1604, 99.87),
        (90, 9409, 31_724, 99.75),
        (90, 17_043, 0, 99.78),
        (90, 16_790, 0, 99.78),
        (90, 11_578, 0, 99.85),
        (90, 5046, 0, 99.93),
        (90, 0, 10_038, 99.96),
        (90, 0, 7945, 99.96),
        (90, 7896, 0, 99.89),
        (90, 5057, 0, 99.93),
        (90, 884, 0, 99.98),
        (90, 2262, 0, 99.97),
        (90, 5057, 0, 99.93),
        (90, 0, 15_080, 99.94),
        (90, 15_579, 0, 99.79),
        (90, 0, 720, 99.99),
        (90, 0, 1586, 99.99),
        (90, 0, 5122, 99.98),
        (90, 12_499, 85_903, 99.5),
        (90, 0, 155_538, 99.39),
        (90, 0, 836, 99.99),
        (90, 0, 238, 99.99),
        (90, 0, 836, 99.99),
        (90, 0, 1593, 99.99),
        (90, 15_604, 1160, 99.79),
        (90, 27_782, 4773, 99.62),
    ];
}
