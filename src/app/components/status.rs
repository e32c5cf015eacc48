//! Status icons and badges (a shape, a colour and always a word), the banner, and the connection indicator.
//!
//! Colours follow `data-status` in the stylesheet, so that a change is one attribute.

use leptos::prelude::*;

use crate::{
    app::{
        components::time::{Time, Wording},
        live::Connection,
    },
    model::{ServiceStatus, Timestamp, Zone},
};

/// The path that is filled and the path drawn into it, in a view box of 24; a ring without a status.
const fn shape(status: Option<ServiceStatus>) -> (&'static str, &'static str) {
    const DISC: &str = "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z";
    const OCTAGON: &str = "M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z";
    const TRIANGLE: &str = "M12 2.2L23 21.4H1z";
    const RING_HALF_FULL: &str = "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20zm0 2.8a7.2 7.2 0 0 1 0 14.4a7.2 7.2 0 1 1 0-14.4zM12 4.8v14.4a7.2 7.2 0 0 0 0-14.4z";
    const RING: &str = "M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20zm0 2.8a7.2 7.2 0 0 1 0 14.4a7.2 7.2 0 1 1 0-14.4z";
    const WRENCH: &str = "M21.6 6.6a6.2 6.2 0 0 1-8.3 7.2l-6.6 6.8a2.4 2.4 0 0 1-3.4-3.4l6.9-6.5a6.2 6.2 0 0 1 7.2-8.3l-3.5 3.6l.7 3.4l3.4.7z";
    match status {
        Some(ServiceStatus::Operational) => (DISC, "M7.2 12.4l3.3 3.3l6.3-7"),
        Some(ServiceStatus::UnderMaintenance) => (WRENCH, ""),
        Some(ServiceStatus::Degraded) => (RING_HALF_FULL, ""),
        Some(ServiceStatus::PartialOutage) => (TRIANGLE, "M12 9v5.4M12 17.6v.6"),
        Some(ServiceStatus::MajorOutage) => (OCTAGON, "M8.4 8.4l7.2 7.2M15.6 8.4l-7.2 7.2"),
        None => (RING, ""),
    }
}

/// The shape of a status; a ring without one.
#[component]
pub fn Shape(
    /// The status.
    #[prop(into)]
    status: Signal<Option<ServiceStatus>>,
) -> impl IntoView {
    view! {
        <svg
            class="status-icon"
            data-status=move || status.get().map_or("none", ServiceStatus::as_str)
            viewBox="0 0 24 24"
            width="16"
            height="16"
            aria-hidden="true"
        >
            <path class="fill" d=move || shape(status.get()).0></path>
            <path class="mark" d=move || shape(status.get()).1></path>
        </svg>
    }
}

/// A status as a shape: a checked disc, a wrench, a half-full ring, a triangle or a crossed octagon. Decoration beside
/// its word, so hidden from screen readers.
#[component]
pub fn StatusIcon(
    /// The status.
    #[prop(into)]
    status: Signal<ServiceStatus>,
) -> impl IntoView {
    view! { <Shape status=Signal::derive(move || Some(status.get())) /> }
}

/// A status as shape and word.
#[component]
pub fn StatusBadge(
    /// The status.
    #[prop(into)]
    status: Signal<ServiceStatus>,
) -> impl IntoView {
    view! {
        <span class="status-badge">
            <StatusIcon status />
            <span>{move || status.get().label()}</span>
        </span>
    }
}

/// The state of a whole page: the headline with icon and tint of the worst status, and its duration.
#[component]
pub fn Banner(
    /// The worst status among the services.
    #[prop(into)]
    worst: Signal<ServiceStatus>,
    /// When this status began; `None` without services.
    #[prop(into)]
    since: Signal<Option<Timestamp>>,
    /// The zone of times until the reader's own is known; UTC when absent.
    #[prop(optional, into)]
    zone: MaybeProp<Zone>,
    /// The headline, at the heading level of the page.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="banner" data-status=move || worst.get().as_str()>
            <StatusIcon status=worst />
            <div>
                {children()}
                <Show when=move || since.with(Option::is_some)>
                    <p class="meta">
                        "Since "
                        <Time
                            at=Signal::derive(move || since.get().unwrap_or(Timestamp::EPOCH))
                            wording=Wording::DateAndAgo
                            zone
                        />
                    </p>
                </Show>
            </div>
        </div>
    }
}

/// The worst of these statuses; operational if there are none.
pub fn worst(statuses: impl IntoIterator<Item = ServiceStatus>) -> ServiceStatus {
    statuses.into_iter().max().unwrap_or_default()
}

/// The connection indicator: `Live` or `Reconnecting…`, empty before the first frame.
#[component]
pub fn LiveMark(
    /// The state of the connection.
    connection: Signal<Connection>,
) -> impl IntoView {
    let state = move || match connection.get() {
        Connection::Connecting => "connecting",
        Connection::Live => "live",
        Connection::Reconnecting => "reconnecting",
    };
    view! {
        <p class="live-mark" data-state=state>
            {move || connection.get().label()}
        </p>
    }
}
