//! Times: UTC from the server, the reader's own zone and "5 min ago" once the page is alive.
//!
//! The first drawing is the same on both sides, because the clock stands still until an effect sets it going.

use std::time::Duration;

use js_sys::{Array, Date, Intl::DateTimeFormat, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::model::Timestamp;

/// The time on the reader's clock, renewed every minute; none on the server and until the page is alive.
#[derive(Clone, Copy)]
struct Clock(RwSignal<Option<Timestamp>>);

/// Sets the page's one clock going. Called once, by its root.
pub fn provide_clock() {
    let clock = RwSignal::new(None);
    provide_context(Clock(clock));
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

/// How a time is worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wording {
    /// `5 min ago`, and the date when that says more.
    #[default]
    Ago,
    /// `23 Nov 2026, 09:30 GMT+1 (5 min ago)`.
    DateAndAgo,
}

/// A point in time. Hovering it tells the other wording.
#[component]
pub fn Time(
    /// When.
    #[prop(into)]
    at: Signal<Timestamp>,
    /// How to word it.
    #[prop(optional)]
    wording: Wording,
) -> impl IntoView {
    let clock = use_context::<Clock>().map(|clock| clock.0);
    let now = move || clock.and_then(|clock| clock.get());
    let text = move || {
        let at = at.get();
        let Some(now) = now() else { return at.human_utc() };
        let date = || in_local_zone(at);
        match (wording, ago(now.millis() - at.millis())) {
            (Wording::Ago, Some(ago)) => ago,
            (Wording::DateAndAgo, Some(ago)) => format!("{} ({ago})", date()),
            _ => date(),
        }
    };
    let title = move || {
        let at = at.get();
        now().map_or_else(|| at.human_utc(), |_| format!("{} · {}", in_local_zone(at), at.human_utc()))
    };
    view! {
        <time datetime=move || at.get().to_string() title=title>
            {text}
        </time>
    }
}

/// The zone that times are told in: UTC as the server sends them, then the reader's.
#[component]
pub fn ZoneNote() -> impl IntoView {
    let clock = use_context::<Clock>().map(|clock| clock.0);
    let zone = move || clock.filter(|clock| clock.with(Option::is_some)).and_then(|_| local_zone());
    move || zone().map_or_else(|| "Times in UTC".to_owned(), |zone| format!("Times in your zone, {zone}"))
}

/// How long ago something was, while that says more than a date: up to four weeks. A clock that runs behind the
/// server's reads "just now".
fn ago(millis: i64) -> Option<String> {
    let minutes = millis / 60_000;
    Some(match minutes {
        ..1 => "just now".to_owned(),
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

#[expect(clippy::cast_precision_loss, reason = "the years 1 to 9999 are below 2^53 milliseconds")]
fn in_local_zone(at: Timestamp) -> String {
    let options = Object::new();
    for (key, value) in [
        ("day", "numeric"),
        ("month", "short"),
        ("year", "numeric"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("timeZoneName", "short"),
    ] {
        // A plain object takes every key.
        _ = Reflect::set(&options, &key.into(), &value.into());
    }
    // In the language of the page, not of the browser: the words around it are English.
    Date::new(&JsValue::from_f64(at.millis() as f64)).to_locale_string("en-GB", &options).into()
}

fn local_zone() -> Option<String> {
    let options = DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_its_age_until_the_date_says_more() {
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
        assert_eq!(minutes(40_320), None);
    }
}
