//! Password reset: requesting a link, and setting a new password with it.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use crate::app::resource::blocking_resource;
use crate::app::{
    components::{
        action::{FormAction, ServerForm},
        field::{Field, Password},
        form::{Form, FormHead, Submit},
    },
    pages::layout::page::LonePage,
    server_fns::{self, RequestPasswordReset, ResetPassword},
};

/// Asks for the email to send a link to; without SMTP, explains what to do instead.
#[component]
pub fn ForgotPasswordPage() -> impl IntoView {
    let sends_mail = blocking_resource(|| (), |()| server_fns::sends_mail());
    let query = use_query_map();
    let is_sent = Memo::new(move |_| query.read().get("sent").is_some());
    let content = move || {
        sends_mail.get().map(|sends_mail| match (sends_mail, is_sent.get()) {
            (Ok(false), _) => view! { <MailDisabled /> }.into_any(),
            (_, true) => view! { <ResetLinkSent /> }.into_any(),
            _ => view! { <RequestResetForm /> }.into_any(),
        })
    };
    view! {
        <LonePage title="Forgot your password?">
            <Transition>{content}</Transition>
            <p class="meta">
                <a href="/login">"Back to login"</a>
            </p>
        </LonePage>
    }
}

#[component]
fn MailDisabled() -> impl IntoView {
    view! {
        <div class="card stack">
            <p>"This server doesn’t send email, so it can’t send you a link."</p>
            <p>"Ask its administrator to set a new password for you with " <code>"aldis reset-password EMAIL"</code> "."</p>
        </div>
    }
}

#[component]
fn ResetLinkSent() -> impl IntoView {
    view! {
        <div class="card stack" role="status">
            <p>"Check your email. If an account with that address exists, we’ve sent it a link."</p>
            <p>
                "The link works once and expires in 30 minutes. Only the latest link works, and we send at most three a day. No email? Check your spam folder, and that this is the address you registered with."
            </p>
        </div>
    }
}

#[component]
fn RequestResetForm() -> impl IntoView {
    let action = FormAction::<RequestPasswordReset>::new();
    let form = Form::new(action, "forgot");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field
                form
                name="email"
                label="Email"
                kind="email"
                autocomplete="username"
                hint=|| "We’ll email you a link to set a new password."
            />
            <Submit form label="Send link" busy="Sending…" />
        </ServerForm>
    }
}

/// Sets a new password for the holder of a reset link.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let params = use_params_map();
    let token = Memo::new(move |_| params.read().get("token").unwrap_or_default());
    let answer = blocking_resource(move || token.get(), server_fns::view_reset);
    let content = move || {
        answer.get().map(|answer| match answer {
            Ok(()) => view! { <NewPasswordForm token=token.get_untracked() /> }.into_any(),
            Err(error) => view! { <p>{error.message}</p> }.into_any(),
        })
    };
    view! {
        <LonePage title="Set a new password">
            <Transition>{content}</Transition>
            <p class="meta">
                "Link no longer works? "
                <a href="/forgot-password">"Request a new one"</a>
            </p>
        </LonePage>
    }
}

#[component]
fn NewPasswordForm(token: String) -> impl IntoView {
    let action = FormAction::<ResetPassword>::new();
    let form = Form::new(action, "reset");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <input type="hidden" name="token" value=token />
            <Password
                form
                autocomplete="new-password"
                label="New password"
                hint=|| "At least 12 characters. You’ll be logged out everywhere."
            />
            <Submit form label="Set password" busy="Setting…" />
        </ServerForm>
    }
}
