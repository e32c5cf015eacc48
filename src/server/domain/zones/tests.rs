//! The data of a zone agrees with the time zone database.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The shifts of a zone in 2026, as written instant, seconds and letters.
fn shifts_of_2026(name: &str) -> Vec<(String, i32, String)> {
    let zone = zone(name, at("2026-06-01T00:00:00Z")).expect("a zone");
    let (from, to) = (at("2026-01-02T00:00:00Z"), at("2026-12-31T00:00:00Z"));
    let within = zone.shifts.into_iter().filter(|shift| shift.from > from && shift.from < to);
    within.map(|shift| (shift.from.to_string(), shift.offset, shift.abbreviation)).collect()
}

fn shift(from: &str, offset: i32, abbreviation: &str) -> (String, i32, String) {
    (at(from).to_string(), offset, abbreviation.to_owned())
}

#[test]
fn rule_3_9_shifts_are_known_to_the_second() {
    let berlin = [shift("2026-03-29T01:00:00Z", 7200, "CEST"), shift("2026-10-25T01:00:00Z", 3600, "CET")];
    assert_eq!(shifts_of_2026("Europe/Berlin"), berlin);
    let newfoundland = [shift("2026-03-08T05:30:00Z", -9000, "NDT"), shift("2026-11-01T04:30:00Z", -12_600, "NST")];
    assert_eq!(shifts_of_2026("America/St_Johns"), newfoundland);
    let lord_howe =
        [shift("2026-04-04T15:00:00Z", 37_800, "UTC+10:30"), shift("2026-10-03T15:30:00Z", 39_600, "UTC+11")];
    assert_eq!(shifts_of_2026("Australia/Lord_Howe"), lord_howe);
}

#[test]
fn a_zone_covers_the_years_around_the_present() {
    let zone = zone("Europe/Berlin", at("2026-06-01T00:00:00Z")).expect("a zone");
    assert_eq!(zone.shifts.first().map(|shift| shift.from), Some(at("2024-12-31T23:00:00Z")), "local new year 2025");
    assert_eq!(zone.shifts.len(), 1 + 2 * 5, "from 2025 to 2029");
    assert!(zone.shifts.is_sorted_by_key(|shift| shift.from));
}

#[test]
fn rule_3_9_a_zone_covers_all_times_asked_for() {
    let zone = between("Europe/Berlin", at("2017-03-01T00:00:00Z"), at("2026-11-23T00:00:00Z")).expect("a zone");
    assert!(zone.knows(at("2016-01-01T00:00:00Z")) && !zone.knows(at("2015-12-01T00:00:00Z")));
    let utc = |local: &str| zone.parse_local(local).expect("a time").to_string();
    assert_eq!(utc("2017-07-10T14:00"), "2017-07-10T12:00:00.000Z");
    assert_eq!(utc("2026-07-10T14:00"), "2026-07-10T12:00:00.000Z");
}

#[test]
fn a_zone_without_shifts_has_one_entry() {
    let kathmandu = ("Asia/Kathmandu", 20_700, "UTC+5:45");
    let istanbul = ("Europe/Istanbul", 10_800, "UTC+3");
    let noronha = ("America/Noronha", -7200, "UTC-2");
    for (name, offset, abbreviation) in
        [("Asia/Kolkata", 19_800, "IST"), ("UTC", 0, "UTC"), kathmandu, istanbul, noronha]
    {
        let zone = zone(name, at("2026-11-23T00:00:00Z")).expect("a zone");
        let only: Vec<_> = zone.shifts.iter().map(|shift| (shift.offset, shift.abbreviation.as_str())).collect();
        assert_eq!(only, [(offset, abbreviation)], "{name}");
    }
}

#[test]
fn names_are_found_ignoring_case_and_replaced_by_current_ones() {
    for (written, name) in [
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/berlin ", "Europe/Berlin"),
        ("utc", "UTC"),
        ("Etc/UTC", "UTC"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ] {
        assert_eq!(canonical(written).expect("a zone"), name);
    }
    for wrong in ["", "Europe", "Europe/Atlantis", "+02:00", "Europe/Berlin; DROP TABLE", "CEST"] {
        let error = canonical(wrong).expect_err(wrong);
        assert!(error.fields.get("time_zone").is_some_and(|why| why.contains("Europe/Berlin")), "{wrong}");
        assert_eq!(zone(wrong, Timestamp::EPOCH).expect_err(wrong), error);
    }
}

#[test]
fn only_current_names_are_offered() {
    let names = names();
    assert!(names.is_sorted() && names.len() > 400, "{} names", names.len());
    for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Pacific/Auckland", "Asia/Kolkata"] {
        assert!(names.contains(&name), "{name}");
    }
    for name in ["Asia/Calcutta", "US/Pacific", "EST", "Etc/GMT+5", "GMT", "Europe/Kiev"] {
        assert!(!names.contains(&name), "{name}");
    }
    for name in &names {
        assert_eq!(canonical(name).expect("a zone"), *name);
    }
}

#[test]
fn an_old_name_has_the_offsets_of_its_current_one() {
    let current = names();
    let now = at("2026-11-23T00:00:00Z");
    for (old, new) in OLD_NAMES {
        assert!(current.contains(&new), "{new}");
        let [old, new] = [old, new].map(|name| zone(name, now).expect(name).shifts);
        let offsets =
            |shifts: Vec<ZoneShift>| shifts.into_iter().map(|shift| (shift.from, shift.offset)).collect::<Vec<_>>();
        assert_eq!(offsets(old), offsets(new));
    }
}

#[test]
fn every_zone_has_sorted_shifts_at_any_time() {
    for name in names() {
        for around in ["0001-01-01T00:00:00Z", "1950-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
            let zone = zone(name, at(around)).expect("a zone");
            assert!(zone.shifts.is_sorted_by(|one, next| one.from < next.from), "{name} around {around}");
        }
    }
}

/// The zones with the oddest clocks.
const ODD: [&str; 10] = [
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "UTC",
    "Africa/Casablanca",
    "America/Havana",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Pacific/Chatham",
];

proptest! {
    #[test]
    fn rule_3_9_the_model_agrees_with_the_database(
        name in prop::sample::select(&ODD[..]),
        seconds in 1_735_790_400_i64..1_893_369_600, // 2025-01-02 to 2029-12-31
    ) {
        let now = Timestamp::EPOCH.plus_seconds(seconds);
        let model = zone(name, at("2026-11-23T00:00:00Z")).expect("a zone");
        let zone = find(name).expect("a zone");
        let shown = local(zone, now);
        prop_assert_eq!(model.field_value(now), shown.format("%Y-%m-%dT%H:%M").to_string());
        prop_assert_eq!(model.instant(shown), instant(zone, shown));
        // A random local time may be a skipped one.
        let wall = utc(now).naive_utc();
        prop_assert_eq!(model.instant(wall), instant(zone, wall));
    }
}
