//! The status page: headline, current incidents, services, and the last days.

use leptos::prelude::*;

use super::{
    announce::Announcer,
    fetch::fetch,
    frame::Frame,
    incidents::{CurrentIncidents, PastIncidents, current_day, zone_of},
    outage::OutageNotice,
};
use crate::{
    app::{
        components::{
            sections::{Section, Sections},
            status::{Banner, StatusBadge, StatusIcon, worst},
            time::{Time, provide_clock},
        },
        live,
    },
    model::{Service, ServiceStatus, StatusPage, Zone},
};

/// The public page of an organization, kept up to date by the live feed.
#[component]
pub fn PublicPage(
    /// The page as rendered by the server.
    page: StatusPage,
) -> impl IntoView {
    provide_clock();
    let slug = page.organization.slug.clone();
    let page = RwSignal::new(page);
    let feed = format!("/api/public/{slug}/live");
    let of = slug.clone();
    let connection = live::connect(feed, page, Signal::stored(true), move || fetch(of.clone()));
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let page: Signal<StatusPage> = page.into();
    let today = current_day(page);
    let shown = Memo::new(move |_| page.with(|page| page.shown(today.get())));
    view! {
        <Frame name slug zone=zone_of(page) connection is_home=true>
            <main id="main">
                <OutageNotice page />
                <Summary page heading=|headline| view! { <div role="status"><h1>{headline}</h1></div> }.into_any() />
                <CurrentIncidents page />
                <Services page />
                <PastIncidents page />
            </main>
            <Announcer page shown />
        </Frame>
    }
}

/// The banner with the headline. On the page its heading is a live region: a new headline is announced once, its age is
/// not.
#[component]
pub fn Summary(
    /// The page.
    page: Signal<StatusPage>,
    /// Draws the headline.
    heading: fn(Memo<&'static str>) -> AnyView,
) -> impl IntoView {
    let headline = Memo::new(move |_| page.with(|page| page.headline().description));
    let worst = Memo::new(move |_| page.with(|page| worst(page.services.iter().map(|service| service.status))));
    let since = Memo::new(move |_| page.with(StatusPage::since));
    view! {
        <Banner worst since zone=zone_of(page)>
            {heading(headline)}
        </Banner>
    }
}

#[component]
fn Services(page: Signal<StatusPage>) -> impl IntoView {
    let is_empty = Memo::new(move |_| page.with(|page| page.services.is_empty()));
    let zone = zone_of(page);
    view! {
        <Show
            when=move || !is_empty.get()
            fallback=|| view! { <p class="empty">"No services are listed yet. Please check back later."</p> }
        >
            <Sections page section=group row=move |service| row(service, zone) />
        </Show>
    }
}

/// A heading with its services, hidden if there are none.
fn group(section: Section) -> AnyView {
    let Section { group, size, status, rows } = section;
    view! {
        <section class="group" hidden=move || size.get() == 0>
            {match group {
                Some(group) => {
                    view! {
                        <div class="group-head">
                            <h2 dir="auto">{move || group.get().name}</h2>
                            // Decoration: each service below says its own status in words.
                            <span hidden=move || status.get() == ServiceStatus::Operational>
                                <StatusIcon status />
                            </span>
                        </div>
                    }
                        .into_any()
                }
                None => view! { <h2 class="sr-only">"Services"</h2> }.into_any(),
            }}
            <ul class="card rows">{rows}</ul>
        </section>
    }
    .into_any()
}

/// A service with its status.
pub fn row(service: Signal<Service>, zone: Memo<Zone>) -> AnyView {
    view! {
        <li class="service">
            <div class="service-text">
                <p class="service-name" dir="auto">
                    {move || service.get().name}
                </p>
                <p class="hint" dir="auto">
                    {move || service.get().description}
                </p>
            </div>
            <div class="service-state">
                <StatusBadge status=Signal::derive(move || service.get().status) />
                <p class="meta">
                    <span class="sr-only">"Last change "</span>
                    <Time at=Signal::derive(move || service.get().status_since) zone />
                </p>
            </div>
        </li>
    }
    .into_any()
}
