//! Second-factor setup: the key for the authenticator app, and the first code.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::location::Url;

use super::settings::RecoveryCodeList;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::Field,
            form::{Form, FormHead, Submit},
        },
        dashboard_state::LoadError,
        pages::layout::page::Page,
        resource::blocking_resource,
        server_fns::{self, EnableSecondFactor},
        session::use_one_time_answer,
    },
    model::{Code, Error, RecoveryCodes, SecondFactorSetup},
};

/// The key as a QR code and as text, and the form for the first code.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let action = FormAction::<EnableSecondFactor>::new();
    // Owned by the page: its answer is still read after the codes have replaced the form.
    let form = Form::new(action, "second-factor");
    let answered = use_one_time_answer::<RecoveryCodes>(EnableSecondFactor::url());
    let is_on = answered.is_some();
    let setup =
        move || async move { if is_on { Err(Error::not_found()) } else { server_fns::show_second_factor().await } };
    let answer = blocking_resource(|| (), move |()| setup());
    let codes = move || match action.answer() {
        Some(Ok(codes)) => Some(codes),
        _ => answered.clone(),
    };
    let setup = move || {
        answer.get().map(|setup| match setup {
            Ok(setup) => view! { <SetupForm form setup /> }.into_any(),
            Err(error) => view! { <SetupUnavailable error /> }.into_any(),
        })
    };
    let content = move || match codes() {
        Some(codes) => view! {
            <p>"Two-factor authentication is on. You’ll need a code each time you log in."</p>
            <RecoveryCodeList codes />
            <p>
                <a class="button" href="/account" rel="external">
                    "Back to your account"
                </a>
            </p>
        }
        .into_any(),
        None => view! { <Transition>{setup}</Transition> }.into_any(),
    };
    view! { <Page title="Two-factor authentication">{content}</Page> }
}

/// Why setup is not possible now, and what to do.
#[component]
fn SetupUnavailable(error: Error) -> impl IntoView {
    match error.code {
        Code::ConfirmPassword => {
            let confirm = format!("/confirm?next={}", Url::escape("/account/second-factor"));
            view! {
                <div class="card stack">
                    <p>{error.message}</p>
                    <a class="button button-primary" href=confirm>
                        "Confirm your password"
                    </a>
                </div>
            }
            .into_any()
        }
        Code::NotFound => view! {
            <p>"You haven’t started setting up two-factor authentication. " <a href="/account">"Start from your account"</a></p>
        }
        .into_any(),
        _ => view! { <LoadError error /> }.into_any(),
    }
}

#[component]
fn SetupForm(form: Form, setup: SecondFactorSetup) -> impl IntoView {
    let SecondFactorSetup { secret, uri, size, path } = setup;
    // Groups of four are easier to copy by hand.
    let groups: Vec<String> =
        secret.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    view! {
        <div class="card stack">
            <p>"1. Scan this code with your authenticator app, or enter the key manually."</p>
            <svg class="h-auto w-56 max-w-full rounded-md" viewBox=format!("0 0 {size} {size}") role="img" aria-label="QR code with the key">
                <rect width=size.to_string() height=size.to_string() fill="#fff" />
                <path d=path fill="#000" shape-rendering="crispEdges" />
            </svg>
            <p>"Key: " <code class="key">{groups.join(" ")}</code></p>
            <p class="meta">
                <a href=uri rel="external">
                    "Open in an app on this device"
                </a>
            </p>
        </div>
        <ServerForm form class="card stack mt-3" novalidate=true>
            <FormHead form />
            <Field
                form
                name="code"
                label="Code"
                autocomplete="one-time-code"
                hint=|| "2. Enter the 6-digit code from the app."
            />
            <Submit form label="Turn on" busy="Checking…" />
        </ServerForm>
    }
}
