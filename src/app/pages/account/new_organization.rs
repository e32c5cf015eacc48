//! Creating another organization while signed in.

use leptos::{either::Either, prelude::*};

use crate::app::{
    components::{
        action::{FormAction, ServerForm},
        form::{Form, FormHead, Submit},
    },
    pages::{layout::page::Page, sign_in::login::FoundingFields},
    server_fns::CreateOrganization,
    session::is_registration_open,
};

/// The form that creates another organization, if registration is open.
#[component]
pub fn NewOrganizationPage() -> impl IntoView {
    let content = if is_registration_open() {
        Either::Left(view! { <FoundingForm /> })
    } else {
        Either::Right(view! {
            <p role="status">"Registration is closed. Ask the server’s administrator to create an organization for you."</p>
        })
    };
    view! { <Page title="New organization">{content}</Page> }
}

#[component]
fn FoundingForm() -> impl IntoView {
    let action = FormAction::<CreateOrganization>::new();
    let form = Form::new(action, "new-organization");
    view! {
        <p class="hint">
            "The new organization has its own page, services and team, and you are its admin. Move between organizations with “Switch organization”."
        </p>
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <FoundingFields form />
            <Submit form label="Create organization" busy="Creating…" />
        </ServerForm>
    }
}
