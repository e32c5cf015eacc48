//! What visitors see: one sentence, then every service with its status.

use leptos::prelude::*;

use super::fetch;
use crate::{
    app::{
        components::{
            sections::{Section, Sections},
            status::{Banner, LiveMark, StatusBadge, worst},
            time::{Time, ZoneNote, provide_clock},
        },
        live,
    },
    model::{Service, StatusPage},
};

/// The public page of an organization, from the state the server gave and kept up to date by the live feed.
#[component]
pub fn PublicPage(
    /// The state to begin with.
    page: StatusPage,
) -> impl IntoView {
    provide_clock();
    let slug = page.organization.slug.clone();
    let page = RwSignal::new(page);
    let feed = format!("/api/public/{slug}/live");
    let of = slug.clone();
    let connection = live::connect(feed, page, Signal::stored(true), move || fetch(of.clone()));
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    view! {
        <div class="public">
            <header class="public-header">
                <p class="brand">
                    <span class="initial" aria-hidden="true">
                        {move || initial(&name.read())}
                    </span>
                    <bdi>{name}</bdi>
                </p>
                <LiveMark connection />
            </header>
            <main id="main">
                <Summary page=page.into() />
                <Services page=page.into() />
            </main>
            <footer class="public-footer">
                <p>
                    <ZoneNote zone=Memo::new(move |_| page.with(|page| page.zone.clone())) />
                </p>
                <ul>
                    <li>
                        <a href=format!("/api/public/{slug}/status")>"Status as JSON"</a>
                    </li>
                    <li>
                        <a href="/api">"API"</a>
                    </li>
                </ul>
            </footer>
        </div>
    }
}

/// The banner. Its heading is a live region: a new headline is read out once, the running age of the state is not.
#[component]
fn Summary(page: Signal<StatusPage>) -> impl IntoView {
    let headline = Memo::new(move |_| page.with(|page| page.headline().description));
    let worst = Memo::new(move |_| page.with(|page| worst(page.services.iter().map(|service| service.status))));
    let since = Memo::new(move |_| page.with(StatusPage::since));
    view! {
        <Banner worst since>
            <div role="status">
                <h1>{headline}</h1>
            </div>
        </Banner>
    }
}

#[component]
fn Services(page: Signal<StatusPage>) -> impl IntoView {
    let is_empty = Memo::new(move |_| page.with(|page| page.services.is_empty()));
    view! {
        <Show
            when=move || !is_empty.get()
            fallback=|| view! { <p class="empty">"No services are listed here yet. Please look in again later."</p> }
        >
            <Sections page section=group row />
        </Show>
    }
}

/// A heading with its services; a group that holds nothing is not shown.
fn group(section: Section) -> AnyView {
    let Section { group, size, rows } = section;
    view! {
        <section class="group" hidden=move || size.get() == 0>
            {match group {
                Some(group) => view! { <h2 dir="auto">{move || group.get().name}</h2> }.into_any(),
                None => view! { <h2 class="sr-only">"Services"</h2> }.into_any(),
            }}
            <ul class="card rows">{rows}</ul>
        </section>
    }
    .into_any()
}

fn row(service: Signal<Service>) -> AnyView {
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
                    <Time at=Signal::derive(move || service.get().status_since) />
                </p>
            </div>
        </li>
    }
    .into_any()
}

/// The letter that stands for an organization.
fn initial(name: &str) -> String {
    name.chars()
        .find(|letter| letter.is_alphanumeric())
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_is_the_first_letter_or_digit_in_upper_case() {
        assert_eq!([initial("acme"), initial("«éclair»"), initial("…")], ["A", "É", ""]);
    }
}
