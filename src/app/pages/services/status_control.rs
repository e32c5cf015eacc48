//! The control that sets a service's status: a native select that is sent on change, or a plain form without
//! JavaScript.

use leptos::{html, prelude::*, server_fn::ServerFn};
use web_sys::{HtmlSelectElement, SubmitEvent};

use crate::{
    app::{
        components::{form::PageField, status::StatusIcon},
        dashboard_state::DashboardState,
        server_fns::SetServiceStatus,
        session::use_refusal,
    },
    model::{IncidentId, Service, ServiceId, ServiceStatus, StatusPage},
};

/// A select named `Status of {service}`.
#[component]
pub fn StatusControl(
    /// Sends the change.
    board: DashboardState,
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let id = service.with_untracked(|service| service.id);
    let status = Memo::new(move |_| service.with(|service| service.status));
    let select = NodeRef::<html::Select>::new();
    let refusal = use_refusal(SetServiceStatus::url(), Some(&id.to_string()));
    let fault = refusal.map(|refusal| {
        view! {
            <p class="fault" role="alert">
                {refusal.error.message}
            </p>
        }
    });
    sync_select(board, id, status, select);
    let set = move |select: &HtmlSelectElement| choose(board, id, status.get_untracked(), select);
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(select) = select.get_untracked() {
            set(&select);
        }
    };
    view! {
        <form class="status-control" method="post" action=SetServiceStatus::url() on:submit=on_submit>
            <PageField />
            <input type="hidden" name="id" value=id.to_string() />
            <StatusIcon status />
            <select
                class="input"
                name="status"
                autocomplete="off"
                aria-label=move || format!("Status of {}", service.with(|service| service.name.clone()))
                node_ref=select
                on:change=move |event| set(&event_target(&event))
            >
                {options(status.get_untracked())}
            </select>
            <button type="submit" class="button unless-alive">
                "Set"
            </button>
            {fault}
        </form>
    }
}

/// The incidents and maintenances that determine a service's status, and its own status, which the control sets. Hidden
/// while there are none.
#[component]
pub fn HeldBy(
    /// Supplies incidents and maintenances.
    board: DashboardState,
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let holders = Memo::new(move |_| {
        let held = |page: &StatusPage, service: &Service| {
            page.holders(service).into_iter().map(|holder| (holder.id, holder.title.clone())).collect::<Vec<_>>()
        };
        board.page().with(|page| service.with(|service| held(page, service)))
    });
    let own = Memo::new(move |_| service.with(|service| service.baseline.unwrap_or_default()));
    let link = |(id, title): (IncidentId, String)| {
        view! {
            <a href=format!("/incidents/{id}") dir="auto">
                {title}
            </a>
            " "
        }
    };
    view! {
        <Show when=move || !holders.with(Vec::is_empty)>
            <p class="meta held-by">
                "Set by " {move || holders.get().into_iter().map(link).collect_view()} "· own status: "
                {move || own.get().label()}
            </p>
        </Show>
    }
}

/// The options, with the initial status selected.
fn options(first: ServiceStatus) -> Vec<impl IntoView> {
    let option = |status: &ServiceStatus| {
        view! {
            <option value=status.as_str() selected=*status == first>
                {status.label()}
            </option>
        }
    };
    ServiceStatus::ALL.iter().map(option).collect()
}

/// Shows status changes in the select. A choice made before hydration is sent now.
fn sync_select(board: DashboardState, id: ServiceId, status: Memo<ServiceStatus>, select: NodeRef<html::Select>) {
    Effect::new(move |is_alive: Option<bool>| {
        let status = status.get();
        let Some(select) = select.get() else { return false };
        if is_alive == Some(true) {
            select.set_value(status.as_str());
        } else {
            choose(board, id, status, &select);
        }
        true
    });
}

fn choose(board: DashboardState, id: ServiceId, known: ServiceStatus, select: &HtmlSelectElement) {
    if let Ok(chosen) = select.value().parse()
        && chosen != known
    {
        board.set_status(id, chosen);
    }
}
