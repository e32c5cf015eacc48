//! One incident or maintenance by itself: everything said about it, and what was learned from it.

use std::collections::BTreeSet;

use leptos::{prelude::*, task::spawn_local};

use super::{Found, announce::Announcer, card::IncidentFacts, fetch, find, frame::Frame, incidents::incident};
use crate::{
    app::{
        components::{
            incident::{IncidentMark, Prose, Timeline},
            time::{Time, Wording, provide_clock},
        },
        live::{self, Connection},
    },
    model::{Incident, IncidentId, IncidentPage, Postmortem, Slug, StatusPage, Timestamp, Zone},
};

/// An incident's own page, from the state the server gave and kept up to date by the page's live feed. Nothing when the
/// state does not hold the incident.
#[component]
pub fn IncidentView(
    /// The state to begin with, and which incident to show.
    data: IncidentPage,
) -> impl IntoView {
    provide_clock();
    let IncidentPage { page, id, zone, .. } = data;
    let slug = page.organization.slug.clone();
    let page = RwSignal::new(page);
    let of = slug.clone();
    let feed = format!("/api/public/{slug}/live");
    let connection = live::connect(feed, page, Signal::stored(true), move || fetch(of.clone()));
    let is_removed = watch_over(page, id, slug.clone(), connection);
    let page: Signal<StatusPage> = page.into();
    let zone = Memo::new(move |_| page.with(|page| zone.unless_changed(&page.zone)));
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let home = format!("/public/{slug}");
    view! {
        <Frame name slug zone connection>
            <main id="main" class="incident-page">
                <p class="back">
                    <a href=home>"← " <bdi>{name}</bdi> " status"</a>
                </p>
                <div role="status">
                    {move || is_removed.get().then(|| view! { <p class="empty">"This incident was removed."</p> })}
                </div>
                {incident(page, id)
                    .map(|incident| {
                        view! {
                            <div hidden=move || is_removed.get()>
                                <Whole incident zone />
                            </div>
                        }
                    })}
            </main>
            <Announcer page shown=Signal::stored(BTreeSet::from([id])) />
        </Frame>
    }
}

/// Everything about an incident.
#[component]
fn Whole(incident: Signal<Incident>, #[prop(into)] zone: Signal<Zone>) -> impl IntoView {
    let title = Memo::new(move |_| incident.with(|incident| incident.title.clone()));
    let postmortem = Memo::new(move |_| incident.with(|incident| incident.postmortem.clone()));
    view! {
        <article>
            <h1 dir="auto">{title}</h1>
            <div class="incident-summary">
                <p>
                    <IncidentMark incident />
                </p>
                <IncidentFacts incident zone />
            </div>
            {move || postmortem.get().map(|postmortem| view! { <Learned postmortem zone /> })}
            <section class="group">
                <h2>"Updates"</h2>
                <Timeline incident zone />
            </section>
        </article>
    }
}

/// What was learned from it.
#[component]
fn Learned(postmortem: Postmortem, zone: Signal<Zone>) -> impl IntoView {
    let Postmortem { html, published_at, .. } = postmortem;
    view! {
        <section class="group" id="postmortem">
            <h2>"Postmortem"</h2>
            <div class="card postmortem">
                <Prose html />
                {published_at
                    .map(|at: Timestamp| {
                        view! {
                            <p class="meta">
                                "Published " <Time at wording=Wording::DateAndAgo zone />
                            </p>
                        }
                    })}
            </div>
        </section>
    }
}

/// Whether the incident is gone for good. The feed and a reloaded state hold what happened lately, so an old incident that
/// is no longer among it is asked for by its address; what is still there is put back.
fn watch_over(page: RwSignal<StatusPage>, id: IncidentId, slug: Slug, connection: Signal<Connection>) -> Signal<bool> {
    let is_missing = Memo::new(move |_| page.with(|page| page.incident(id).is_none()));
    let is_removed = RwSignal::new(false);
    Effect::new(move |_| {
        // Read, so that a question that got no answer is asked again once the line is back.
        let is_live = connection.get() == Connection::Live;
        if is_missing.get() && is_live && !is_removed.get_untracked() {
            let slug = slug.clone();
            spawn_local(async move {
                match find(slug, id).await {
                    Found::There(incident) => _ = page.try_update(|page| page.put_incident(*incident)),
                    Found::Gone => _ = is_removed.try_set(true),
                    Found::Unknown => {}
                }
            });
        }
    });
    is_removed.into()
}
