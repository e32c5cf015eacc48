//! The page of one incident or maintenance: all updates and the postmortem.

use std::collections::BTreeSet;

use leptos::{prelude::*, task::spawn_local};

use super::{
    announce::Announcer,
    card::IncidentFacts,
    fetch::{Lookup, fetch_incident, look_up},
    frame::Frame,
    incidents::incident,
    outage::OutageNotice,
};
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

/// An incident's own page, kept up to date by the live feed. Nothing if the data does not contain the incident.
#[component]
pub fn IncidentView(
    /// The incident as rendered by the server.
    data: IncidentPage,
) -> impl IntoView {
    provide_clock();
    let IncidentPage { page, id, zone, .. } = data;
    let slug = page.organization.slug.clone();
    let page = RwSignal::new(page);
    let of = slug.clone();
    let feed = format!("/api/public/{slug}/live");
    let connection = live::connect(feed, page, Signal::stored(true), move || fetch_incident(of.clone(), id));
    let is_removed = watch_removal(page, id, slug.clone(), connection);
    let page: Signal<StatusPage> = page.into();
    let zone = Memo::new(move |_| page.with(|page| zone.unless_changed(&page.zone)));
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let home = format!("/public/{slug}");
    view! {
        <Frame name slug zone connection>
            <main id="main" class="incident-page">
                <OutageNotice page />
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
                                <IncidentArticle incident zone />
                            </div>
                        }
                    })}
            </main>
            <Announcer page shown=Signal::stored(BTreeSet::from([id])) />
        </Frame>
    }
}

/// An incident with all updates.
#[component]
fn IncidentArticle(incident: Signal<Incident>, #[prop(into)] zone: Signal<Zone>) -> impl IntoView {
    let title = Memo::new(move |_| incident.with(|incident| incident.title.clone()));
    let postmortem = Memo::new(move |_| incident.with(|incident| incident.postmortem.clone()));
    view! {
        <article>
            <h1 dir="auto">{title}</h1>
            <div class="mt-2 grid gap-2.5">
                <p>
                    <IncidentMark incident />
                </p>
                <IncidentFacts incident zone />
            </div>
            {move || postmortem.get().map(|postmortem| view! { <PostmortemSection postmortem zone /> })}
            <section class="group">
                <h2>"Updates"</h2>
                <Timeline incident zone />
            </section>
        </article>
    }
}

/// The published postmortem.
#[component]
fn PostmortemSection(postmortem: Postmortem, zone: Signal<Zone>) -> impl IntoView {
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

/// Whether the incident was removed. One that is missing, after an event or a reload, is looked up by its own address,
/// and put back if it still exists.
fn watch_removal(
    page: RwSignal<StatusPage>,
    id: IncidentId,
    slug: Slug,
    connection: Signal<Connection>,
) -> Signal<bool> {
    let is_missing = Memo::new(move |_| page.with(|page| page.incident(id).is_none()));
    let is_removed = RwSignal::new(false);
    Effect::new(move |_| {
        // Read, so that a lookup without an answer is repeated after reconnecting.
        let is_live = connection.get() == Connection::Live;
        if is_missing.get() && is_live && !is_removed.get_untracked() {
            let slug = slug.clone();
            spawn_local(async move {
                match look_up(slug, id).await {
                    Lookup::Found(found) => {
                        _ = page.try_update(|page| found.incidents.into_iter().for_each(|it| page.put_incident(it)));
                    }
                    Lookup::Removed => _ = is_removed.try_set(true),
                    Lookup::NoAnswer => {}
                }
            });
        }
    });
    is_removed.into()
}
