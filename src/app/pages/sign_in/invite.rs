//! Where an invitation's link leads: says who invites whom, and lets them in.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::login::LogoutButton;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Field, Password},
            form::{Form, FormHead, Submit},
        },
        pages::layout::page::LonePage,
        server_fns::{self, AcceptInvitation, JoinAsNew, JoinWithPassword},
        session::use_account,
    },
    model::{InvitationView, Result},
};

/// The page of one invitation.
#[component]
pub fn InvitePage() -> impl IntoView {
    let params = use_params_map();
    let token = Memo::new(move |_| params.read().get("token").unwrap_or_default());
    let answer = Resource::new_blocking(move || token.get(), server_fns::view_invitation);
    view! {
        <LonePage title="Invitation">
            <Transition>{move || answer.get().map(|answer| view! { <Content answer token=token.get_untracked() /> })}</Transition>
        </LonePage>
    }
}

#[component]
fn Content(answer: Result<InvitationView>, token: String) -> impl IntoView {
    let view = match answer {
        Ok(view) => view,
        Err(error) => return view! { <p>{error.message}</p> }.into_any(),
    };
    let InvitationView { organization, email, role, has_account } = view;
    let invited = email.to_string();
    let way_in = match use_account() {
        Some(account) if account.user.email == email => view! { <AsMyself token /> }.into_any(),
        Some(account) => view! { <AsSomebodyElse email=account.user.email.to_string() /> }.into_any(),
        None if has_account => view! { <WithPassword token /> }.into_any(),
        None => view! { <AsNew token /> }.into_any(),
    };
    view! {
        <p>
            <strong dir="auto">{organization}</strong>
            " has invited "
            <strong>{invited}</strong>
            " to join its team on Aldis as "
            {role.article()}
            "."
        </p>
        {way_in}
    }
    .into_any()
}

/// For who is signed in with the address that is invited.
#[component]
fn AsMyself(token: String) -> impl IntoView {
    let action = FormAction::<AcceptInvitation>::new();
    let form = Form::new(action, "accept-invitation");
    view! {
        <ServerForm form class="card stack">
            <FormHead form />
            <input type="hidden" name="token" value=token />
            <Submit form label="Join" busy="Joining…" />
        </ServerForm>
    }
}

/// For who is signed in with another address.
#[component]
fn AsSomebodyElse(email: String) -> impl IntoView {
    view! {
        <p>"You’re logged in as " <strong>{email}</strong> ". Log out first, then open this link again."</p>
        <LogoutButton class="button button-primary" />
    }
}

/// For who has an account with the address that is invited and is not signed in.
#[component]
fn WithPassword(token: String) -> impl IntoView {
    let action = FormAction::<JoinWithPassword>::new();
    let form = Form::new(action, "join-with-password");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form is_login=true />
            <input type="hidden" name="token" value=token />
            <Password form autocomplete="current-password" hint=|| "The password of your existing account." />
            <Field
                form
                name="code"
                label="Code"
                autocomplete="one-time-code"
                optional=true
                hint=|| "Only if two-factor authentication is on: a code from your authenticator app, or a recovery code."
            />
            <Submit form label="Log in and join" busy="Joining…" />
        </ServerForm>
        <p class="meta">
            <a href="/forgot-password">"Forgot your password?"</a>
        </p>
    }
}

/// For who has no account yet.
#[component]
fn AsNew(token: String) -> impl IntoView {
    let action = FormAction::<JoinAsNew>::new();
    let form = Form::new(action, "join-as-new");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <input type="hidden" name="token" value=token />
            <Field form name="name" label="Your name" autocomplete="name" />
            <Password
                form
                autocomplete="new-password"
                hint=|| "At least 12 characters. A sentence only you would think of works well."
            />
            <Submit form label="Create account and join" busy="Joining…" />
        </ServerForm>
    }
}
