//! General settings: name, time zone, page address; links to API tokens and the audit log.

use leptos::{prelude::*, task::spawn_local};

use super::api_tokens::{self, ApiTokens};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            copyable::Copyable,
            field::{Field, Select},
            form::{Done, Form, FormHead, Submit},
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
        server_fns::{self, RenameOrganization, SetTimeZone},
        session::{is_admin, use_account},
    },
    model::{Result, Slug},
};

/// The settings page.
#[component]
pub fn Settings() -> impl IntoView {
    let is_admin = use_account().as_ref().is_some_and(is_admin);
    let zones: ZonesResource = blocking_resource(
        || (),
        move |()| async move { if is_admin { server_fns::time_zones().await } else { Ok(Vec::new()) } },
    );
    let tokens = is_admin.then(api_tokens::load);
    view! {
        <Page title="Settings">
            <WhenLoaded let:board>
                <SettingsContent board zones is_admin />
            </WhenLoaded>
            {tokens.map(|tokens| view! { <ApiTokens tokens /> })}
            {is_admin.then(|| view! { <AuditLogLink /> })}
        </Page>
    }
}

/// The available time zones; empty for members, who cannot change it.
type ZonesResource = Resource<Result<Vec<String>>>;

/// What the time zone is used for.
const ZONE_HINT: &str = "Used for days, months and maintenance times.";

#[component]
fn SettingsContent(board: DashboardState, zones: ZonesResource, is_admin: bool) -> impl IntoView {
    let page = board.page();
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    let zone = Memo::new(move |_| page.with(|page| page.organization.time_zone.clone()));
    view! {
        <section class="group">
            <h2>"Organization"</h2>
            {if is_admin {
                view! { <RenameOrganizationForm board name=name.into() /> }.into_any()
            } else {
                view! {
                    <div class="card stack">
                        <p dir="auto">{name}</p>
                        <p class="hint">"Only admins can change the name."</p>
                    </div>
                }
                    .into_any()
            }}
        </section>
        <section class="group">
            <h2>"Time"</h2>
            {if is_admin {
                view! { <TimeZone board zones zone=zone.into() /> }.into_any()
            } else {
                view! {
                    <div class="card stack">
                        <p>{zone}</p>
                        <p class="hint">{ZONE_HINT} " Only admins can change it."</p>
                    </div>
                }
                    .into_any()
            }}
        </section>
        <section class="group">
            <h2>"Public page"</h2>
            <PageAddress slug />
        </section>
    }
}

/// A link to the audit log.
#[component]
fn AuditLogLink() -> impl IntoView {
    view! {
        <section class="group">
            <h2>"Audit log"</h2>
            <div class="card stack">
                <p>"Who changed what, who logged in, and from where."</p>
                <p>
                    <a class="button" href="/settings/audit">
                        "View audit log"
                    </a>
                </p>
            </div>
        </section>
    }
}

#[component]
fn RenameOrganizationForm(board: DashboardState, name: Signal<String>) -> impl IntoView {
    let action = FormAction::<RenameOrganization>::new();
    let form = Form::new(action, "rename-organization");
    Effect::new(move |_| {
        if form.is_done() {
            spawn_local(board.refresh());
        }
    });
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="name" label="Organization name" autocomplete="organization" value=name />
            <div class="actions">
                <Submit form label="Save" busy="Saving…" />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// The organization's time zone, once the available zones are loaded.
#[component]
fn TimeZone(board: DashboardState, zones: ZonesResource, zone: Signal<String>) -> impl IntoView {
    let content = move || {
        zones.get().map(|answer| match answer {
            Ok(zones) => view! { <TimeZoneForm board zone zones /> }.into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! { <Transition>{content}</Transition> }
}

#[component]
fn TimeZoneForm(board: DashboardState, zone: Signal<String>, zones: Vec<String>) -> impl IntoView {
    let action = FormAction::<SetTimeZone>::new();
    let form = Form::new(action, "time-zone");
    Effect::new(move |_| {
        if form.is_done() {
            spawn_local(board.refresh());
        }
    });
    let choices: Vec<_> = zones.into_iter().map(|name| (name.clone(), name)).collect();
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Select
                form
                name="time_zone"
                label="Time zone"
                choices=Signal::stored(choices)
                value=zone
                hint=|| ZONE_HINT
            />
            <div class="actions">
                <Submit form label="Set time zone" busy="Setting…" />
                <Done form text="Time zone saved." />
            </div>
        </ServerForm>
    }
}

/// The page's URL, to open and to copy.
#[component]
fn PageAddress(slug: Slug) -> impl IntoView {
    let path = format!("/public/{slug}");
    // Only the browser knows the origin.
    let origin = RwSignal::new(String::new());
    Effect::new(move |_| origin.set(location().origin().unwrap_or_default()));
    let href = path.clone();
    view! {
        <div class="card stack">
            <Copyable
                id="page-address"
                label="Page address"
                text=Signal::derive(move || format!("{}{path}", origin.get()))
                hint="Share it with your users."
            >
                <a class="button" href=href rel="external">
                    "Open"
                </a>
            </Copyable>
        </div>
    }
}
