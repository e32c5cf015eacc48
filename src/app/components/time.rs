//! Times: in UTC or the page's zone from the server, in the reader's zone and as "5 min ago" after hydration (UI-14,
//! UI-15).
//!
//! The first render is the same on server and client, as the clock starts in an effect.

use std::time::Duration;

use js_sys::{
    Array, Date,
    Intl::{DateTimeFormat, DateTimeFormatPart, DateTimeFormatPartType},
    Object, Reflect,
};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlSelectElement;

use crate::model::{Timestamp, Zone, ZoneShift};

/// The reader's clock, updated every minute, and the zone chosen for times. No time on the server and before hydration.
#[derive(Clone, Copy)]
struct ReaderClock {
    now: RwSignal<Option<Timestamp>>,
    shown_zone: RwSignal<ShownZone>,
}

/// The zone in which times are shown after hydration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ShownZone {
    #[default]
    Reader,
    Page,
    Utc,
}

/// Starts the page's clock. Called once, by its root.
pub fn provide_clock() {
    let clock = RwSignal::new(None);
    provide_context(ReaderClock { now: clock, shown_zone: RwSignal::default() });
    Effect::new(move |_| {
        clock.set(Some(now()));
        let tick = set_interval_with_handle(move || _ = clock.try_set(Some(now())), Duration::from_mins(1));
        on_cleanup(move || {
            if let Ok(tick) = tick {
                tick.clear();
            }
        });
    });
}

/// The current time of the reader's clock; `None` on the server, before hydration and without [`provide_clock`].
pub fn reader_clock() -> Signal<Option<Timestamp>> {
    use_context::<ReaderClock>().map_or_else(|| Signal::stored(None), |clock| clock.now.into())
}

/// The zone in which the reader wants times.
fn shown_zone() -> Signal<ShownZone> {
    use_context::<ReaderClock>().map_or_else(|| Signal::stored(ShownZone::Reader), |clock| clock.shown_zone.into())
}

/// How a time is worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wording {
    /// `5 min ago`, and the date when that says more.
    #[default]
    Ago,
    /// `23 Nov 2026, 09:30 GMT+1 (5 min ago)`.
    DateAndAgo,
}

/// A point in time, with the local and the UTC time in its title.
#[component]
pub fn Time(
    /// When.
    #[prop(into)]
    at: Signal<Timestamp>,
    /// How to word it.
    #[prop(optional)]
    wording: Wording,
    /// The zone until the reader's own is known; UTC when absent.
    #[prop(optional, into)]
    zone: MaybeProp<Zone>,
    /// When the page was written, from which the age is counted until the reader's clock is known; without it, no age
    /// is shown until then.
    #[prop(optional, into)]
    written_at: Option<Timestamp>,
) -> impl IntoView {
    let (clock, shown) = (reader_clock(), shown_zone());
    let in_page_zone =
        move |at: Timestamp| zone.with(|zone| zone.as_ref().map_or_else(|| at.human_utc(), |zone| zone.human(at)));
    let text = move || {
        let at = at.get();
        let clock = clock.get();
        let Some(now) = clock.or(written_at) else { return in_page_zone(at) };
        let date = || match shown.get() {
            ShownZone::Reader if clock.is_some() => in_local_zone(at),
            ShownZone::Utc => at.human_utc(),
            ShownZone::Reader | ShownZone::Page => in_page_zone(at),
        };
        match (wording, ago(now.millis() - at.millis())) {
            (Wording::Ago, Some(ago)) => ago,
            (Wording::DateAndAgo, Some(ago)) => format!("{} ({ago})", date()),
            _ => date(),
        }
    };
    let title = move || {
        let at = at.get();
        clock.get().map_or_else(|| at.human_utc(), |_| format!("{} · {}", in_local_zone(at), at.human_utc()))
    };
    view! {
        <time datetime=move || at.get().to_string() title=title>
            {text}
        </time>
    }
}

/// The zone of times: the page's from the server, then the reader's, with a choice where the two differ (UI-51).
#[component]
pub fn ZoneChoice(
    /// The page's zone, in which days are counted.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let (clock, name) = (reader_clock(), Memo::new(move |_| zone.with(|zone| zone.name.clone())));
    let reader = Memo::new(move |_| clock.with(Option::is_some).then(local_zone).flatten());
    let chosen = use_context::<ReaderClock>().map(|clock| clock.shown_zone);
    let select = move |choices: Vec<(ShownZone, String)>| {
        let zones: Vec<ShownZone> = choices.iter().map(|(zone, _)| *zone).collect();
        let choose = move |event| {
            let index = usize::try_from(event_target::<HtmlSelectElement>(&event).selected_index());
            if let (Some(chosen), Some(zone)) = (chosen, index.ok().and_then(|index| zones.get(index))) {
                chosen.set(*zone);
            }
        };
        let now = chosen.map(|chosen| chosen.get_untracked());
        let options = choices.into_iter().map(|(zone, text)| {
            view! { <option selected={now == Some(zone)}>{text}</option> }
        });
        view! {
            <label class="zone-choice">
                "Times in"
                <select class="input" autocomplete="off" on:change=choose>
                    {options.collect_view()}
                </select>
            </label>
            <span>{format!("Days in {}", name.get())}</span>
        }
    };
    move || match reader.get() {
        None => format!("Times in {}", name.get()).into_any(),
        Some(reader) if name.with(|name| *name == reader) => format!("Times in your zone, {reader}").into_any(),
        Some(reader) => select(choices(&reader, &name.get())).into_any(),
    }
}

/// The zones to choose from where the reader's differs from the page's.
fn choices(reader: &str, page: &str) -> Vec<(ShownZone, String)> {
    let own = (ShownZone::Reader, format!("your zone, {reader}"));
    let utc = (ShownZone::Utc, "UTC".to_owned());
    let all = [own, (ShownZone::Page, page.to_owned()), utc];
    all.into_iter().filter(|(zone, _)| *zone != ShownZone::Utc || ![reader, page].contains(&"UTC")).collect()
}

/// A maintenance window in the page's zone and, after hydration, in the reader's too where its clocks differ.
#[component]
pub fn MaintenanceWindow(
    /// Start and end; without them nothing is drawn.
    #[prop(into)]
    window: Signal<Option<(Timestamp, Timestamp)>>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let clock = reader_clock();
    let texts = Memo::new(move |_| {
        let (start, end) = window.get()?;
        let here = clock.with(Option::is_some).then(|| reader_zone(start, end));
        let text = zone.with(|zone| zone.human_window(start, end));
        let here = here.filter(|here| zone.with(|zone| clocks_differ(zone, here, [start, end])));
        Some((start, utc_window(start, end), text, here.map(|here| here.human_window(start, end))))
    });
    move || {
        let (start, title, text, here) = texts.get()?;
        let time = |text| view! { <time datetime=start.to_string() title=title.clone()>{text}</time> };
        let here = here.map(|here| view! { <span class="window-here">{time(format!("{here}, in your zone"))}</span> });
        Some(view! { <p class="window">{time(text)} {here}</p> })
    }
}

/// A time range in the past: `Mon 23 Nov 2026, 14:05–15:20 CET`, in the reader's zone once that is known.
#[component]
pub fn TimeRange(
    /// Its first instant.
    start: Timestamp,
    /// Its last instant.
    end: Timestamp,
    /// The zone until the reader's own is known.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let (clock, shown) = (reader_clock(), shown_zone());
    let is_known = Memo::new(move |_| clock.with(Option::is_some));
    let text = move || match shown.get() {
        ShownZone::Reader if is_known.get() => reader_zone(start, end).human_window(start, end),
        ShownZone::Utc => utc_window(start, end),
        _ => zone.with(|zone| zone.human_window(start, end)),
    };
    view! {
        <time datetime=start.to_string() title=utc_window(start, end)>
            {text}
        </time>
    }
}

fn utc_window(start: Timestamp, end: Timestamp) -> String {
    Zone::utc().human_window(start, end)
}

/// Whether the clocks of two zones differ at any of these instants.
fn clocks_differ(one: &Zone, other: &Zone, instants: [Timestamp; 2]) -> bool {
    instants.iter().any(|at| one.field_value(*at) != other.field_value(*at))
}

/// The reader's zone, with the shifts for these two instants only.
fn reader_zone(start: Timestamp, end: Timestamp) -> Zone {
    let shift = |at: Timestamp| ZoneShift { from: at, offset: local_offset(at), abbreviation: local_abbreviation(at) };
    Zone { name: local_zone().unwrap_or_default(), shifts: vec![shift(start), shift(end)] }
}

/// The reader's offset from UTC in seconds.
#[expect(clippy::cast_possible_truncation, reason = "whole minutes, less than a day's")]
fn local_offset(at: Timestamp) -> i32 {
    (date(at).get_timezone_offset() * -60.0) as i32
}

/// The reader's zone abbreviation, such as `GMT+9`.
fn local_abbreviation(at: Timestamp) -> String {
    let format = DateTimeFormat::new(&Array::of1(&LANGUAGE.into()), &options(&[("timeZoneName", "short")]));
    let parts = format.format_to_parts(&date(at));
    let mut parts = parts.iter().map(JsCast::unchecked_into::<DateTimeFormatPart>);
    let name = parts.find(|part| part.type_() == DateTimeFormatPartType::TimeZoneName);
    name.map(|part| part.value().into()).unwrap_or_default()
}

/// A relative time for the last four weeks; `None` beyond, where a date says more. Clock skew of up to five minutes
/// reads "just now".
fn ago(millis: i64) -> Option<String> {
    let minutes = millis.div_euclid(60_000);
    Some(match minutes {
        -5..1 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1_440 => format!("{} h ago", minutes / 60),
        1_440..2_880 => "1 day ago".to_owned(),
        2_880..40_320 => format!("{} days ago", minutes / 1_440),
        _ => return None,
    })
}

fn now() -> Timestamp {
    whole_millis(Date::now())
}

#[expect(clippy::cast_possible_truncation, reason = "a browser's clock is whole milliseconds, far below 2^53")]
fn whole_millis(millis: f64) -> Timestamp {
    Timestamp::from_millis(millis as i64)
}

/// The language of the page, not of the browser: the text around a time is English.
const LANGUAGE: &str = "en-GB";

fn in_local_zone(at: Timestamp) -> String {
    let options = options(&[
        ("day", "numeric"),
        ("month", "short"),
        ("year", "numeric"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("timeZoneName", "short"),
    ]);
    date(at).to_locale_string(LANGUAGE, &options).into()
}

#[expect(clippy::cast_precision_loss, reason = "the years 1 to 9999 are below 2^53 milliseconds")]
fn date(at: Timestamp) -> Date {
    Date::new(&JsValue::from_f64(at.millis() as f64))
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (key, value) in pairs {
        // A plain object takes every key.
        _ = Reflect::set(&options, &(*key).into(), &(*value).into());
    }
    options
}

fn local_zone() -> Option<String> {
    let options = DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_relative_for_four_weeks() {
        let minutes = |n: i64| ago(n * 60_000);
        for (age, words) in [
            (-5, "just now"),
            (0, "just now"),
            (1, "1 min ago"),
            (59, "59 min ago"),
            (60, "1 h ago"),
            (1_439, "23 h ago"),
            (1_440, "1 day ago"),
            (2_880, "2 days ago"),
            (40_319, "27 days ago"),
        ] {
            assert_eq!(minutes(age).as_deref(), Some(words), "{age}");
        }
        assert_eq!((minutes(40_320), minutes(-6)), (None, None));
    }

    #[test]
    fn zones_differ_by_their_clocks_not_their_names() {
        let at = |hours: i64| Timestamp::EPOCH.plus_seconds(hours * 3600);
        let of = |offset| Zone {
            name: "Somewhere".into(),
            shifts: vec![
                ZoneShift { from: at(0), offset: 0, abbreviation: "X".into() },
                ZoneShift { from: at(10), offset, abbreviation: "Y".into() },
            ],
        };
        assert!(!clocks_differ(&Zone::utc(), &of(0), [at(1), at(20)]));
        assert!(!clocks_differ(&Zone::utc(), &of(3600), [at(1), at(2)]));
        assert!(clocks_differ(&Zone::utc(), &of(3600), [at(1), at(20)]));
    }

    #[test]
    fn ui_51_each_zone_is_offered_once() {
        let names = |reader, page| choices(reader, page).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names("Asia/Tokyo", "Europe/Berlin"), ["your zone, Asia/Tokyo", "Europe/Berlin", "UTC"]);
        assert_eq!(names("Asia/Tokyo", "UTC"), ["your zone, Asia/Tokyo", "UTC"]);
        assert_eq!(names("UTC", "Europe/Berlin"), ["your zone, UTC", "Europe/Berlin"]);
    }
}
