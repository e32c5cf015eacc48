//! The control that sets a service's status: a native choice, sent as soon as it is made; a plain form before the
//! client runs and without it.

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

/// A choice of statuses named `Status of {service}`.
#[component]
pub fn StatusControl(
    /// Where the choice is made true.
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
    keep_in_step(board, id, status, select);
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

/// By what a service is held at its status, while the control would change only what it is by itself. Nothing while
/// nothing hides that.
#[component]
pub fn HeldBy(
    /// Where incidents and maintenances are.
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
                "Held by " {move || holders.get().into_iter().map(link).collect_view()} "· own status: "
                {move || own.get().label()}
            </p>
        </Show>
    }
}

/// The choices, with the status at first marked.
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

/// Shows each new status in the control. A choice made before the client ran is not lost: it is sent now.
fn keep_in_step(board: DashboardState, id: ServiceId, status: Memo<ServiceStatus>, select: NodeRef<html::Select>) {
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
