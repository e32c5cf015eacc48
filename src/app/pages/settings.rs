//! The organization's name and the address of its page.

use leptos::{form::ActionForm, html, prelude::*, task::spawn_local};

use super::page::Page;
use crate::{
    app::{
        board::{Board, WhenLoaded},
        components::{
            field::Field,
            form::{Done, Form, FormHead, Submit},
        },
        server_fns::RenameOrganization,
        session::{is_admin, use_account},
    },
    model::Slug,
};

/// What concerns the organization as a whole.
#[component]
pub fn Settings() -> impl IntoView {
    view! {
        <Page title="Settings">
            <WhenLoaded let:board>
                <Content board />
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn Content(board: Board) -> impl IntoView {
    let page = board.page();
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    let may_rename = use_account().as_ref().is_some_and(is_admin);
    view! {
        <section class="group">
            <h2>"Organization"</h2>
            {if may_rename {
                view! { <Rename board name=name.into() /> }.into_any()
            } else {
                view! {
                    <div class="card stack">
                        <p dir="auto">{name}</p>
                        <p class="hint">"An admin of the organization can change its name."</p>
                    </div>
                }
                    .into_any()
            }}
        </section>
        <section class="group">
            <h2>"Public page"</h2>
            <Address slug />
        </section>
    }
}

#[component]
fn Rename(board: Board, name: Signal<String>) -> impl IntoView {
    let action = ServerAction::<RenameOrganization>::new();
    let form = Form::new(action, "rename-organization");
    Effect::new(move |_| {
        if form.is_done() {
            spawn_local(board.refresh());
        }
    });
    view! {
        <ActionForm action node_ref=form.node attr:class="card stack" attr:novalidate=true>
            <FormHead form />
            <Field form name="name" label="Organization name" autocomplete="organization" value=name />
            <div class="actions">
                <Submit form label="Save" busy="Saving…" />
                <Done form text="Saved." />
            </div>
        </ActionForm>
    }
}

/// The page's address, to look at and to copy.
#[component]
fn Address(slug: Slug) -> impl IntoView {
    let path = format!("/public/{slug}");
    // The server need not know the name it is reached by; the browser does.
    let origin = RwSignal::new(String::new());
    Effect::new(move |_| origin.set(location().origin().unwrap_or_default()));
    let field = NodeRef::<html::Input>::new();
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        if let Some(field) = field.get_untracked() {
            field.select();
            let write = window().navigator().clipboard().write_text(&field.value());
            spawn_local(async move { is_copied.set(js_sys::futures::JsFuture::from(write).await.is_ok()) });
        }
    };
    let href = path.clone();
    view! {
        <div class="card stack">
            <div class="field">
                <label for="page-address">"Page address"</label>
                <div class="input-with-button">
                    <input
                        class="input"
                        id="page-address"
                        readonly=true
                        value=move || format!("{}{path}", origin.get())
                        node_ref=field
                    />
                    <button type="button" class="button when-alive" on:click=copy>
                        "Copy"
                    </button>
                    <a class="button" href=href rel="external">
                        "Open"
                    </a>
                </div>
                <p class="hint" role="status">
                    {move || if is_copied.get() { "Copied." } else { "Share it with everyone who depends on you." }}
                </p>
            </div>
        </div>
    }
}
