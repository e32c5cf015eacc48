//! A service's status changes, newest first.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            status::StatusBadge,
            time::{Time, Wording},
        },
        dashboard_state::LoadError,
        resource::Resource,
    },
    model::{Cause, History, HistoryEntry, Result},
};

/// A page of a service's history.
pub type HistoryResource = Resource<Result<History>>;

/// A page of the history, with a link to older changes.
#[component]
pub fn HistoryList(
    /// The page.
    history: HistoryResource,
) -> impl IntoView {
    let content = move || {
        history.get().map(|answer| match answer {
            Ok(history) => view! { <HistoryEntries history /> }.into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! {
        <section class="group">
            <h2>"History"</h2>
            <Transition>{content}</Transition>
        </section>
    }
}

#[component]
fn HistoryEntries(history: History) -> impl IntoView {
    let History { entries, next } = history;
    let older = next.map(|next| {
        view! {
            <p>
                <a class="button" href=format!("?before={next}")>
                    "Older"
                </a>
            </p>
        }
    });
    if entries.is_empty() {
        return view! { <p class="hint">"No status changes yet."</p> }.into_any();
    }
    view! {
        <ol class="card rows">{entries.into_iter().map(entry).collect_view()}</ol>
        {older}
    }
    .into_any()
}

fn entry(entry: HistoryEntry) -> impl IntoView {
    let HistoryEntry { change, changed_by_name } = entry;
    let cause = match (change.cause, changed_by_name) {
        (Cause::Manual, Some(name)) => format!("by {name}"),
        (Cause::Api, Some(name)) => format!("by {name} via the API"),
        (cause, _) => cause_label(cause).to_owned(),
    };
    view! {
        <li class="row">
            <StatusBadge status=Signal::stored(change.new_status) />
            <p class="meta">
                <span class="sr-only">"previously: "</span>
                <span aria-hidden="true">"← "</span>
                {change.old_status.label()}
            </p>
            <p class="meta">{cause}</p>
            <p class="row-time meta">
                <Time at=Signal::stored(change.created_at) wording=Wording::DateAndAgo />
            </p>
        </li>
    }
}

const fn cause_label(cause: Cause) -> &'static str {
    match cause {
        Cause::Manual => "by a member",
        Cause::Incident => "by an incident",
        Cause::Maintenance => "by a maintenance",
        Cause::Monitor => "by a monitor",
        Cause::Api => "via the API",
        Cause::Import => "imported",
    }
}
