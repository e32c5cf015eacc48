//! The page an invitation's link leads to.

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
        resource::blocking_resource,
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
    let answer = blocking_resource(move || token.get(), server_fns::view_invitation);
    view! {
        <LonePage title="Invitation">
            <Transition>{move || answer.get().map(|answer| view! { <InviteContent answer token=token.get_untracked() /> })}</Transition>
        </LonePage>
    }
}

#[component]
fn InviteContent(answer: Result<InvitationView>, token: String) -> impl IntoView {
    let view = match answer {
        Ok(view) => view,
        Err(error) => return view! { <p>{error.message}</p> }.into_any(),
    };
    let InvitationView { organization, email, role, has_account } = view;
    let invited = email.to_string();
    let form = match use_account() {
        Some(account) if account.user.email == email => view! { <AcceptForm token /> }.into_any(),
        Some(account) => view! { <WrongAccount email=account.user.email.to_string() /> }.into_any(),
        None if has_account => view! { <JoinWithPasswordForm token /> }.into_any(),
        None => view! { <JoinAsNewForm token /> }.into_any(),
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
        {form}
    }
    .into_any()
}

/// For readers signed in with the invited email.
#[component]
fn AcceptForm(token: String) -> impl IntoView {
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

/// For readers signed in with another email.
#[component]
fn WrongAccount(email: String) -> impl IntoView {
    view! {
        <p>"You’re logged in as " <strong>{email}</strong> ". Log out first, then open this link again."</p>
        <LogoutButton class="button button-primary" />
    }
}

/// For visitors whose invited email has an account.
#[component]
fn JoinWithPasswordForm(token: String) -> impl IntoView {
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

/// For visitors without an account.
#[component]
fn JoinAsNewForm(token: String) -> impl IntoView {
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
