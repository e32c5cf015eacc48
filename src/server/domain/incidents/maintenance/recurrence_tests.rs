//! Recurrence rules (domain rule 3.6.9), and that no rule keeps the server busy.

use proptest::prelude::*;

use super::*;

const BERLIN: &str = "Europe/Berlin";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The first starts of a rule, as local time and instant.
fn starts(rule: &str, first: &str, zone: &str, most: usize) -> Vec<String> {
    let first = at(first);
    let rule = check(rule, first, zone).expect(rule);
    let zone_of = zones::find(zone).expect("a zone");
    let starts = occurrences(&rule, first, zone, None, most);
    let written = |start: Timestamp| format!("{} {start}", zones::local(zone_of, start).format("%a %d %b %H:%M"));
    starts.into_iter().map(written).collect()
}

fn why(rule: &str) -> String {
    let error = check(rule, at("2026-11-24T02:00:00Z"), BERLIN).expect_err(rule);
    error.fields.get("recurrence").cloned().expect("the field at fault")
}

#[test]
fn rule_3_6_9_three_o_clock_stays_three_o_clock_when_the_clocks_change() {
    assert_eq!(
        starts("FREQ=WEEKLY", "2026-03-17T02:00:00Z", BERLIN, 3),
        [
            "Tue 17 Mar 03:00 2026-03-17T02:00:00.000Z",
            "Tue 24 Mar 03:00 2026-03-24T02:00:00.000Z",
            "Tue 31 Mar 03:00 2026-03-31T01:00:00.000Z",
        ]
    );
    assert_eq!(
        starts("FREQ=DAILY", "2026-10-24T01:00:00Z", BERLIN, 3),
        [
            "Sat 24 Oct 03:00 2026-10-24T01:00:00.000Z",
            "Sun 25 Oct 03:00 2026-10-25T02:00:00.000Z",
            "Mon 26 Oct 03:00 2026-10-26T02:00:00.000Z",
        ]
    );
}

#[test]
fn rule_3_6_9_a_start_that_the_clocks_skip_moves_behind_the_gap_for_once() {
    assert_eq!(
        starts("FREQ=DAILY", "2026-03-28T01:30:00Z", BERLIN, 3),
        [
            "Sat 28 Mar 02:30 2026-03-28T01:30:00.000Z",
            "Sun 29 Mar 03:30 2026-03-29T01:30:00.000Z",
            "Mon 30 Mar 02:30 2026-03-30T00:30:00.000Z",
        ]
    );
    // Cuba's clocks skip midnight itself, and Samoa once skipped a whole day.
    let havana = starts("FREQ=DAILY", "2026-03-07T05:00:00Z", "America/Havana", 3);
    assert_eq!(havana[1], "Sun 08 Mar 01:00 2026-03-08T05:00:00.000Z");
    assert_eq!(havana[2], "Mon 09 Mar 00:00 2026-03-09T04:00:00.000Z");
    let apia = starts("FREQ=DAILY", "2011-12-29T22:00:00Z", "Pacific/Apia", 3);
    assert_eq!(
        apia[1], "Sat 31 Dec 12:00 2011-12-30T22:00:00.000Z",
        "the 30th moves onto the 31st, and is one with it"
    );
    assert_eq!(apia[2], "Sun 01 Jan 12:00 2011-12-31T22:00:00.000Z");
}

#[test]
fn rule_3_6_9_a_start_that_comes_twice_happens_once() {
    let berlin = starts("FREQ=DAILY", "2026-10-24T00:30:00Z", BERLIN, 3);
    assert_eq!(berlin[1], "Sun 25 Oct 02:30 2026-10-25T00:30:00.000Z", "the earlier of the two");
    assert_eq!(berlin[2], "Mon 26 Oct 02:30 2026-10-26T01:30:00.000Z");
    let second = starts("FREQ=DAILY", "2026-10-25T01:30:00Z", BERLIN, 2);
    assert_eq!(second[0], "Sun 25 Oct 02:30 2026-10-25T01:30:00.000Z", "unless the first start is the later");
    assert_eq!(second[1], "Mon 26 Oct 02:30 2026-10-26T01:30:00.000Z");
    let havana = starts("FREQ=DAILY", "2026-10-31T04:00:00Z", "America/Havana", 2);
    assert_eq!(havana[1], "Sun 01 Nov 00:00 2026-11-01T04:00:00.000Z");
}

#[test]
fn rule_3_6_9_starts_are_in_order_even_where_one_is_moved_behind_the_next() {
    let rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=15,45";
    let starts = starts(rule, "2026-03-29T00:30:00Z", BERLIN, 5);
    let times: Vec<_> = starts.iter().map(|start| &start[..16]).collect();
    assert_eq!(
        times,
        ["Sun 29 Mar 01:30", "Sun 29 Mar 03:15", "Sun 29 Mar 03:45", "Mon 30 Mar 02:15", "Mon 30 Mar 02:45"]
    );
}

#[test]
fn rule_3_6_9_the_first_start_counts_even_if_the_rule_would_not_name_it() {
    let tuesdays = starts("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "2026-11-23T02:00:00Z", BERLIN, 10);
    assert_eq!(
        tuesdays,
        [
            "Mon 23 Nov 03:00 2026-11-23T02:00:00.000Z",
            "Tue 24 Nov 03:00 2026-11-24T02:00:00.000Z",
            "Tue 01 Dec 03:00 2026-12-01T02:00:00.000Z",
        ]
    );
    assert_eq!(starts("FREQ=WEEKLY;COUNT=1", "2026-11-23T02:00:00Z", BERLIN, 10).len(), 1);
}

#[test]
fn rule_3_6_9_rules_mean_what_rfc_5545_says() {
    for (rule, second) in [
        ("FREQ=DAILY;INTERVAL=3", "Fri 27 Nov"),
        ("FREQ=WEEKLY;INTERVAL=2", "Tue 08 Dec"),
        ("FREQ=WEEKLY;BYDAY=TU,TH", "Thu 26 Nov"),
        ("FREQ=MONTHLY", "Thu 24 Dec"),
        ("FREQ=MONTHLY;BYDAY=1SU", "Sun 06 Dec"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "Fri 27 Nov"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "Mon 30 Nov"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "Mon 30 Nov"),
        ("FREQ=YEARLY", "Wed 24 Nov"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "Tue 29 Feb"),
    ] {
        let starts = starts(rule, "2026-11-24T02:00:00Z", BERLIN, 2);
        assert_eq!(&starts[1][..10], second, "{rule}");
    }
    let thirty_firsts = starts("FREQ=MONTHLY", "2026-08-31T01:00:00Z", BERLIN, 3);
    assert!(
        thirty_firsts[1].starts_with("Sat 31 Oct") && thirty_firsts[2].starts_with("Thu 31 Dec"),
        "short months have none"
    );
}

#[test]
fn rule_3_6_9_until_is_a_day_a_local_time_or_an_instant() {
    for (until, count) in [
        ("20261126", 3),
        ("20261126T030000", 3),
        ("20261126T025959", 2),
        ("20261126T020000Z", 3),
        ("20261126T015959Z", 2),
    ] {
        let starts = starts(&format!("FREQ=DAILY;UNTIL={until}"), "2026-11-24T02:00:00Z", BERLIN, 10);
        assert_eq!(starts.len(), count, "{until}");
    }
}

#[test]
fn occurrences_begin_after_the_last_known_and_end_after_ten_years() {
    let first = at("2026-11-24T02:00:00Z");
    let day = |day: i64| first.plus_seconds(day * 86_400);
    let daily = |after, most| occurrences("FREQ=DAILY", first, BERLIN, after, most);
    assert_eq!(daily(None, 3), [first, day(1), day(2)]);
    assert_eq!(daily(Some(first), 2), [day(1), day(2)], "the last known one is left out");
    assert_eq!(daily(Some(day(5)), 2), [day(6), day(7)]);
    assert_eq!(daily(None, 0), []);
    let counted = |after| occurrences("FREQ=DAILY;COUNT=3", first, BERLIN, after, 10);
    assert_eq!(counted(Some(day(1))), [day(2)], "known ones count");
    assert_eq!(counted(Some(day(2))), []);
    assert_eq!(occurrences("nonsense", first, BERLIN, None, 5), [first]);
    let odd = first.plus_millis(250);
    assert_eq!(occurrences("FREQ=DAILY", odd, BERLIN, None, 2), [odd, day(1).plus_millis(250)]);
    let years = |interval| occurrences(&format!("FREQ=YEARLY;INTERVAL={interval}"), first, BERLIN, None, 9).len();
    assert_eq!((years(4), years(9), years(20)), (3, 2, 1));
}

#[test]
fn a_rule_is_stored_normalized() {
    for (written, kept) in [
        ("FREQ=WEEKLY", "FREQ=WEEKLY"),
        (" rrule:freq=weekly; byday=tu ;", "FREQ=WEEKLY;BYDAY=TU"),
        ("RRULE:FREQ=MONTHLY;BYDAY=+1SU", "FREQ=MONTHLY;BYDAY=+1SU"),
        ("freq=daily;until=20270101t000000z", "FREQ=DAILY;UNTIL=20270101T000000Z"),
        ("FREQ=DAILY;COUNT=1000", "FREQ=DAILY;COUNT=1000"),
    ] {
        let rule = check(written, at("2026-11-24T02:00:00Z"), BERLIN).expect(written);
        assert_eq!(rule, kept);
        assert_eq!(check(&rule, at("2026-11-24T02:00:00Z"), BERLIN).expect(kept), kept);
    }
}

/// Rules that repeat too often are rejected before they are expanded, and the search for a rule that never occurs ends.
#[test]
fn an_invalid_rule_is_rejected_with_the_reason() {
    for (rule, reason) in [
        ("", "not a valid"),
        ("every tuesday", "not a valid"),
        ("FREQ=FORTNIGHTLY", "not a valid"),
        ("BYDAY=TU", "not a valid"),
        ("FREQ=WEEKLY;BYDAY=XX", "not a valid"),
        ("FREQ=WEEKLY;BYDAY=é", "not a valid"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "not a valid"),
        ("FREQ=WEEKLY;FREQ=DAILY", "not a valid"),
        ("FREQ=WEEKLY;COUNT=1;COUNT=2", "not a valid"),
        ("FREQ=WEEKLY;COUNT=-1", "not a valid"),
        ("FREQ=WEEKLY;COUNT", "not a valid"),
        ("FREQ=WEEKLY;UNTIL=soon", "not a valid"),
        ("FREQ=WEEKLY;INTERVAL=70000", "not a valid"),
        ("FREQ=WEEKLY;X-OWN=1", "not a valid"),
        ("FREQ=HOURLY", "at most daily"),
        ("FREQ=MINUTELY;INTERVAL=90", "at most daily"),
        ("FREQ=SECONDLY", "at most daily"),
        ("FREQ=DAILY;COUNT=1001", "at most 1000"),
        ("FREQ=DAILY;COUNT=10000000", "at most 1000"),
        ("FREQ=DAILY;COUNT=0", "never occurs"),
        ("FREQ=DAILY;INTERVAL=0", "never occurs"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "not both"),
        ("DTSTART:20261124T020000Z\nRRULE:FREQ=DAILY", "single RRULE"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY", "single RRULE"),
        ("FREQ=DAILY\nEXDATE:20261124T020000Z", "single RRULE"),
        ("FREQ=DAILY;UNTIL=20261123", "before the first start"),
        ("FREQ=DAILY;UNTIL=20261124T015959Z", "before the first start"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4,6,9,11", "never occurs"),
        ("FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1", "never occurs"),
        ("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "never occurs"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=31", "never occurs"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30;BYDAY=1MO,2TU,3WE,4TH,5FR", "never occurs"),
        ("FREQ=YEARLY;INTERVAL=20;BYMONTH=3", "never occurs"),
    ] {
        let why = why(rule);
        assert!(why.contains(reason), "{rule}: {why}");
    }
    let long = format!("FREQ=DAILY;BYMONTHDAY={}", "1,".repeat(250));
    assert!(why(&long).contains("500 characters"));
    let unknown = check("FREQ=DAILY", Timestamp::EPOCH, "Europe/Atlantis").expect_err("no such zone");
    assert!(unknown.fields.contains_key("time_zone"));
}

#[test]
fn a_rule_with_more_times_a_day_than_hours_is_rejected_before_it_is_expanded() {
    let list = |count: u32| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let rule =
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={};BYMINUTE={};BYSECOND=0,1,2", list(24), list(60));
    assert!(why(&rule).contains("24 times a day"));
    assert!(check(&format!("FREQ=DAILY;BYHOUR={}", list(24)), Timestamp::EPOCH, BERLIN).is_ok());
}

fn any_rule() -> impl Strategy<Value = String> {
    let freq = prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY"]);
    let part = prop_oneof![
        (0_u32..100_000).prop_map(|number| format!("INTERVAL={number}")),
        (0_u32..1200).prop_map(|number| format!("COUNT={number}")),
        (-40_i32..40).prop_map(|number| format!("BYMONTHDAY={number}")),
        (-400_i32..400).prop_map(|number| format!("BYYEARDAY={number}")),
        (-60_i32..60).prop_map(|number| format!("BYWEEKNO={number}")),
        (0_u32..14).prop_map(|number| format!("BYMONTH={number}")),
        (-60_i32..60).prop_map(|number| format!("BYDAY={number}MO,TU")),
        (-400_i32..400).prop_map(|number| format!("BYSETPOS={number}")),
        (0_u32..26).prop_map(|number| format!("BYHOUR={number},3")),
        (0_u32..62).prop_map(|number| format!("BYMINUTE={number},30")),
        (1970_u32..2200).prop_map(|year| format!("UNTIL={year}0301")),
        prop::sample::select(vec!["WKST=SU", "WKST=MO"]).prop_map(str::to_owned),
        prop::sample::select(vec![
            "INTERVAL=2",
            "BYDAY=MO,WE,FR",
            "BYDAY=1SU,-1FR",
            "BYMONTH=1,2,12",
            "BYMONTHDAY=-1,15,31",
            "BYYEARDAY=1,60,366,-1",
            "BYWEEKNO=5,20,-10",
            "BYSETPOS=1,-1",
            "BYHOUR=0,12,23",
        ])
        .prop_map(str::to_owned),
        "[A-Z]{2,8}=[A-Z0-9,+-]{0,6}",
    ];
    (freq, prop::collection::vec(part, 0..4)).prop_map(|(freq, parts)| format!("FREQ={freq};{}", parts.join(";")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// An endless expansion would keep this test from ending.
    #[test]
    fn any_rule_is_rejected_or_expanded_in_order(
        rule in any_rule(),
        first in 0_i64..4_000_000_000,
        zone in prop::sample::select(vec!["UTC", BERLIN, "Australia/Lord_Howe", "America/Havana"]),
    ) {
        let first = Timestamp::EPOCH.plus_seconds(first);
        if let Ok(rule) = check(&rule, first, zone) {
            let starts = occurrences(&rule, first, zone, None, 100);
            prop_assert_eq!(starts.first(), Some(&first));
            prop_assert!(starts.is_sorted_by(|one, next| one < next) && starts.len() <= 100);
            let rest = occurrences(&rule, first, zone, Some(first), 99);
            prop_assert_eq!(&starts[1..], &rest[..]);
        }
    }

    #[test]
    fn any_text_is_rejected_or_normalized(rule in any::<String>()) {
        if let Ok(kept) = check(&rule, Timestamp::EPOCH, BERLIN) {
            prop_assert_eq!(check(&kept, Timestamp::EPOCH, BERLIN), Ok(kept));
        }
    }
}

#[test]
fn rule_3_6_9_after_the_last_start_nothing_follows() {
    let next = |rule: &str, after: &str| {
        let first = at("2026-11-24T02:00:00Z");
        let rule = check(rule, first, BERLIN).expect(rule);
        occurrences(&rule, first, BERLIN, Some(at(after)), 1).pop().map(|start| start.to_string())
    };
    let second = Some("2026-11-25T02:00:00.000Z".to_owned());
    assert_eq!(next("FREQ=DAILY;COUNT=2", "2026-11-24T02:00:00Z"), second);
    assert_eq!(next("FREQ=DAILY;COUNT=2", "2026-11-25T02:00:00Z"), None);
    assert_eq!(next("FREQ=DAILY;UNTIL=20261125", "2026-11-24T02:00:00Z"), second);
    assert_eq!(next("FREQ=DAILY;UNTIL=20261125", "2026-11-25T02:00:00Z"), None);
    let leap = next("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29T02:00:00Z");
    assert_eq!(leap.as_deref(), Some("2032-02-29T02:00:00.000Z"), "rare, but it occurs");
    assert_eq!(next("FREQ=YEARLY;INTERVAL=20", "2026-11-24T02:00:00Z"), None, "too far away to be planned");
}

/// Of weeks that belong to two years the library has its own view.
fn has_odd_weeks(rule: &str) -> bool {
    ["1;", "52;", "53;"].iter().any(|week| {
        let rule = format!("{rule};");
        rule.contains(&format!("BYWEEKNO={week}")) || rule.contains(&format!("BYWEEKNO=-{week}"))
    })
}

/// What the library makes of a rule, day by day.
fn by_library(rule: &Rule, start: NaiveDateTime, last: NaiveDate, most: usize) -> Vec<NaiveDateTime> {
    let start = start.and_utc().with_timezone(&rrule::Tz::UTC);
    let set = rule.unbounded.clone().build(start).expect("valid").limit();
    set.into_iter().map(|at| at.naive_utc()).take_while(|at| at.date() <= last).take(most).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_rule_means_what_the_library_says(rule in any_rule(), first in 0_i64..4_000_000_000) {
        let start = zones::local(Tz::UTC, Timestamp::EPOCH.plus_seconds(first));
        let last = start.date() + Days::new(1_200);
        let Ok(rule_of) = parse(&rule, Tz::UTC) else { return Ok(()) };
        let is_known = rule_of.unbounded.get_freq() <= Frequency::Daily && !has_odd_weeks(&rule);
        if let Some(expansion) = rule_of.expand(start).filter(|_| is_known) {
            let ours = expansion.until(last).take_while(|at| at.date() <= last).take(200);
            prop_assert_eq!(ours.collect::<Vec<_>>(), by_library(&rule_of, start, last, 200), "{}", rule);
        }
    }
}

#[test]
fn weeks_that_belong_to_two_years_are_counted_as_iso_8601_does() {
    let days = |rule: &str| {
        let starts = occurrences(rule, at("2026-12-20T02:00:00Z"), "UTC", None, 6);
        starts.iter().skip(1).map(|start| start.to_string()[..10].to_owned()).collect::<Vec<_>>().join(" ")
    };
    // 2026 has 53 weeks, and the first three days of 2027 are in the last of them.
    assert_eq!(days("FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR"), "2026-12-31 2027-01-01 2032-12-30 2032-12-31");
    assert_eq!(days("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO"), "2027-01-04 2028-01-03 2029-01-01 2029-12-31 2030-12-30");
    assert_eq!(days("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU"), "2027-01-03 2028-01-02 2028-12-31 2029-12-30 2030-12-29");
}
