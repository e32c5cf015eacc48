//! Setting up the second factor: what the app needs, and the first code.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::location::Url;

use super::settings::Codes;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::Field,
            form::{Form, FormHead, Submit},
        },
        dashboard_state::Trouble,
        pages::layout::page::Page,
        server_fns::{self, EnableSecondFactor},
        session::use_told,
    },
    model::{Code, Error, RecoveryCodes, SecondFactorSetup},
};

/// Shows the seed, as a picture and as text, and asks for the first code.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let action = FormAction::<EnableSecondFactor>::new();
    // The page's own, as it is still listened to while the codes take the form's place.
    let form = Form::new(action, "second-factor");
    let told = use_told::<RecoveryCodes>(EnableSecondFactor::url());
    let is_told = told.is_some();
    // Once it is on there is nothing more to set up.
    let setup =
        move || async move { if is_told { Err(Error::not_found()) } else { server_fns::show_second_factor().await } };
    let answer = Resource::new_blocking(|| (), move |()| setup());
    let codes = move || match action.answer() {
        Some(Ok(codes)) => Some(codes),
        _ => told.clone(),
    };
    let setup = move || {
        answer.get().map(|setup| match setup {
            Ok(setup) => view! { <Setup form setup /> }.into_any(),
            Err(error) => view! { <Refusal error /> }.into_any(),
        })
    };
    let content = move || match codes() {
        Some(codes) => view! {
            <p>"Two-factor authentication is on: a code is asked for at every login."</p>
            <Codes codes />
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

/// Why nothing can be set up here now, and what to do.
#[component]
fn Refusal(error: Error) -> impl IntoView {
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
            <p>"Nothing is being set up. " <a href="/account">"Begin on your account's page."</a></p>
        }
        .into_any(),
        _ => view! { <Trouble error /> }.into_any(),
    }
}

#[component]
fn Setup(form: Form, setup: SecondFactorSetup) -> impl IntoView {
    let SecondFactorSetup { secret, uri, size, path } = setup;
    // In groups of four, as people read it.
    let groups: Vec<String> =
        secret.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    view! {
        <div class="card stack">
            <p>"1. Scan this with your authenticator app, or type the key in."</p>
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
                hint=|| "2. Enter the six digits the app shows now."
            />
            <Submit form label="Turn on" busy="Checking…" />
        </ServerForm>
    }
}
