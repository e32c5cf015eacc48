//! Re-authentication before sensitive changes, and the second factor at login.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::app::{
    components::{
        action::{FormAction, ServerForm},
        field::{Field, Password},
        form::{Form, FormHead, Submit},
    },
    pages::layout::page::LonePage,
    server_fns::{ConfirmPassword, LoginCode},
};

/// Where to go afterwards: from the refused form, or from the URL.
fn next_page(form: Form) -> impl Fn() -> String + Clone + Send + Sync + 'static {
    let (query, typed) = (use_query_map(), form.typed("next"));
    move || typed.clone().or_else(|| query.read().get("next")).unwrap_or_default()
}

/// Asks for the password again, then returns to the previous page.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    let action = FormAction::<ConfirmPassword>::new();
    let form = Form::new(action, "confirm");
    view! {
        <LonePage title="Confirm your password">
            <p>"This change affects the security of your account. We ask for your password again after 15 minutes."</p>
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <input type="hidden" name="next" value=next_page(form) />
                <Password form autocomplete="current-password" />
                <Submit form label="Confirm" busy="Confirming…" />
            </ServerForm>
        </LonePage>
    }
}

/// Asks for a second-factor code after the password.
#[component]
pub fn LoginCodePage() -> impl IntoView {
    let action = FormAction::<LoginCode>::new();
    let form = Form::new(action, "code");
    view! {
        <LonePage title="Enter your code">
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <input type="hidden" name="next" value=next_page(form) />
                <Field
                    form
                    name="code"
                    label="Code"
                    autocomplete="one-time-code"
                    is_first=true
                    hint=|| "The 6-digit code from your authenticator app, or a recovery code."
                />
                <Submit form label="Log in" busy="Logging in…" />
            </ServerForm>
            <p class="meta">
                <a href="/login">"Back to login"</a>
            </p>
        </LonePage>
    }
}
