//! Registration, login and logout.

use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field, Password},
            form::{Form, FormHead, Submit},
        },
        pages::layout::page::LonePage,
        server_fns::{Login, Logout, Register},
        session::is_registration_open,
    },
    model::Slug,
};

/// Creates an organization and its first admin, if registration is open.
#[component]
pub fn RegisterPage() -> impl IntoView {
    if is_registration_open() {
        Either::Left(view! { <RegisterForm /> })
    } else {
        Either::Right(view! { <RegistrationClosed /> })
    }
}

/// Shown instead of the form if registration is closed.
#[component]
fn RegistrationClosed() -> impl IntoView {
    view! {
        <LonePage title="Create organization">
            <p role="status">
                "Registration is closed. To join an organization, ask one of its admins for an invitation. To create one, ask the server’s administrator."
            </p>
            <p class="meta">"Already have an account? " <a href="/login">"Log in"</a></p>
        </LonePage>
    }
}

#[component]
fn RegisterForm() -> impl IntoView {
    let action = FormAction::<Register>::new();
    let form = Form::new(action, "register");
    view! {
        <LonePage title="Create organization">
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <FoundingFields form />
                <Field form name="name" label="Your name" autocomplete="name" />
                <Field form name="email" label="Email" kind="email" autocomplete="email" />
                <Password
                    form
                    autocomplete="new-password"
                    hint=|| "At least 12 characters. A sentence only you would think of works well."
                />
                <Submit form label="Create organization" busy="Creating…" />
            </ServerForm>
            <p class="meta">"Already have an account? " <a href="/login">"Log in"</a></p>
        </LonePage>
    }
}

/// Name and page address of a new organization; the address is proposed from the name.
#[component]
pub fn FoundingFields(
    /// The form.
    form: Form,
) -> impl IntoView {
    let name = RwSignal::new(form.typed("organization_name").unwrap_or_default());
    let slug = RwSignal::new(form.typed("slug").unwrap_or_default());
    // The proposal is the field's initial value: the browser ignores it once the field is edited.
    let proposal = Memo::new(move |_| name.with(|name| Slug::propose(name)));
    let address = move || {
        let slug = Some(slug.get()).filter(|slug| !slug.is_empty()).unwrap_or_else(|| proposal.get());
        format!("/public/{}", if slug.is_empty() { "…" } else { &slug })
    };
    view! {
        <Field
            form
            name="organization_name"
            label="Organization name"
            autocomplete="organization"
            on_input=Callback::new(move |text| name.set(text))
        />
        <Field
            form
            name="slug"
            label="Page address"
            optional=true
            value=proposal
            on_input=Callback::new(move |text| slug.set(text))
            hint=move || view! { "Visitors will find your page at " <code>{address}</code> }
        />
    }
}

/// Signs in and continues to the requested page.
#[component]
pub fn LoginPage() -> impl IntoView {
    let action = FormAction::<Login>::new();
    let form = Form::new(action, "login");
    let query = use_query_map();
    let next = form.typed("next");
    let next = move || next.clone().or_else(|| query.read().get("next")).unwrap_or_default();
    view! {
        <LonePage title="Log in">
            {move || {
                query
                    .read()
                    .get("reset")
                    .map(|_| view! { <p role="status">"Password changed. Log in with your new password."</p> })
            }}
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form is_login=true />
                <input type="hidden" name="next" value=next />
                <Field form name="email" label="Email" kind="email" autocomplete="username" />
                <Password form autocomplete="current-password" />
                <Checkbox form name="lasting" label="Keep me logged in" is_ticked=true />
                <Submit form label="Log in" busy="Logging in…" />
            </ServerForm>
            <p class="meta">
                <a href="/forgot-password">"Forgot your password?"</a>
            </p>
            {is_registration_open()
                .then(|| view! { <p class="meta">"New here? " <a href="/register">"Create organization"</a></p> })}
        </LonePage>
    }
}

/// Asks for confirmation, for readers who open the URL directly.
#[component]
pub fn LogoutPage() -> impl IntoView {
    view! {
        <LonePage title="Log out">
            <p>"You’ll need your password to log in again."</p>
            <LogoutButton class="button button-primary" />
            <p class="meta">
                <a href="/dashboard">"Stay logged in"</a>
            </p>
        </LonePage>
    }
}

/// The button that ends the session.
#[component]
pub fn LogoutButton(
    /// Its CSS class.
    #[prop(default = "button")]
    class: &'static str,
) -> impl IntoView {
    let action = FormAction::<Logout>::new();
    let form = Form::new(action, "logout");
    view! {
        <ServerForm form>
            <FormHead form />
            <Submit form label="Log out" busy="Logging out…" class />
        </ServerForm>
    }
}
