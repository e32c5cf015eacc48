//! One service: its status, its details, and what happened to it.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    details::{DeleteService, Details},
    history::HistoryList,
    status_control::StatusControl,
};
use crate::{
    app::{
        components::{
            sections::service,
            time::{Time, Wording},
        },
        dashboard_state::{DashboardState, WhenLoaded},
        pages::layout::{not_found::Missing, page::Page},
        server_fns::service_history,
    },
    model::{History, Result, Service, ServiceId},
};

/// A page of a service's history, as the server answers.
pub type HistoryAnswer = Resource<Result<History>>;

/// The page of the service named in the address.
#[component]
pub fn ServicePage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let before = Memo::new(move |_| query.read().get("before"));
    // Asked for before anything is drawn, so that an unknown id answers 404.
    let history: HistoryAnswer =
        Resource::new_blocking(move || (id.get(), before.get()), |(id, before)| service_history(id, before));
    view! {
        <WhenLoaded let:board>
                <Found board id history />
            </WhenLoaded>
    }
}

#[component]
fn Found(board: DashboardState, id: Memo<String>, history: HistoryAnswer) -> impl IntoView {
    let page = board.page();
    let known = Memo::new(move |_| {
        let id: ServiceId = id.read().parse().ok()?;
        page.with(|page| page.service(id).map(|service| service.id))
    });
    move || match known.get().and_then(|id| service(page, id)) {
        Some(service) => view! { <Content board service history /> }.into_any(),
        None => view! { <Missing history /> }.into_any(),
    }
}

#[component]
fn Content(board: DashboardState, service: Signal<Service>, history: HistoryAnswer) -> impl IntoView {
    let since = Memo::new(move |_| service.with(|service| (service.status, service.status_since)));
    Effect::new(move |last: Option<_>| {
        let since = since.get();
        if last.is_some_and(|last| last != since) {
            history.refetch();
        }
        since
    });
    view! {
        <Page title=Signal::derive(move || service.get().name)>
            <section class="group">
                <h2>"Status"</h2>
                <div class="card flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-2.5">
                    <StatusControl board service />
                    <p class="meta">
                        "Since " <Time at=Signal::derive(move || service.get().status_since) wording=Wording::DateAndAgo />
                    </p>
                </div>
            </section>
            <section class="group">
                <h2>"Details"</h2>
                <Details board service />
            </section>
            <HistoryList history />
            <DeleteService service />
        </Page>
    }
}
