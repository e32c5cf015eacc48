//! The page of one service: status, details, history.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    details::{DeleteService, ServiceDetails},
    history::{HistoryList, HistoryResource},
    status_control::StatusControl,
};
use crate::{
    app::{
        components::{
            sections::service,
            time::{Time, Wording},
        },
        dashboard_state::{DashboardState, WhenLoaded},
        pages::layout::page::Page,
        resource::blocking_resource,
        server_fns::service_history,
    },
    model::{Service, ServiceId},
};

/// The page of the service with the id in the URL.
#[component]
pub fn ServicePage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let before = Memo::new(move |_| query.read().get("before"));
    // Blocking, so that an unknown id sets the status 404.
    let history: HistoryResource =
        blocking_resource(move || (id.get(), before.get()), |(id, before)| service_history(id, before));
    view! {
        <WhenLoaded let:board>
            <ServiceOrNotFound board id history />
        </WhenLoaded>
    }
}

#[component]
fn ServiceOrNotFound(board: DashboardState, id: Memo<String>, history: HistoryResource) -> impl IntoView {
    let page = board.page();
    let known = Memo::new(move |_| {
        let id: ServiceId = id.read().parse().ok()?;
        page.with(|page| page.service(id).map(|service| service.id))
    });
    move || match known.get().and_then(|id| service(page, id)) {
        Some(service) => view! { <ServiceContent board service history /> }.into_any(),
        None => view! { <ServiceNotFound history /> }.into_any(),
    }
}

#[component]
fn ServiceContent(board: DashboardState, service: Signal<Service>, history: HistoryResource) -> impl IntoView {
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
                <ServiceDetails board service />
            </section>
            <HistoryList history />
            <DeleteService service />
        </Page>
    }
}

/// Shown for an unknown or deleted service. Awaits the history, which sets the HTTP status.
#[component]
fn ServiceNotFound(history: HistoryResource) -> impl IntoView {
    view! {
        <Page title="Service not found">
            <Suspense>{move || Suspend::new(async move { history.await.map(drop).ok() })}</Suspense>
            <div class="empty">
                <p>"This service doesn’t exist or has been deleted."</p>
                <p>
                    <a class="button" href="/services">
                        "All services"
                    </a>
                </p>
            </div>
        </Page>
    }
}
