//! API tokens, created and revoked by admins.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            copyable::Copyable,
            each::Each,
            field::{Field, Select},
            form::{Form, FormHead, Submit},
            time::Time,
        },
        dashboard_state::LoadError,
        resource::{Resource, blocking_resource},
        server_fns::{self, CreateApiToken, RevokeApiToken},
        session::use_one_time_answer,
    },
    model::{ApiToken, Result, TokenId, TokenScope},
};

/// The organization's tokens.
pub type ApiTokensResource = Resource<Result<Vec<ApiToken>>>;

/// Loads the tokens; blocks rendering until they are there.
pub fn load() -> ApiTokensResource {
    blocking_resource(|| (), |()| server_fns::api_tokens())
}

/// The list of tokens and the form that creates one.
#[component]
pub fn ApiTokens(
    /// The tokens.
    tokens: ApiTokensResource,
) -> impl IntoView {
    view! {
        <section class="group" id="tokens">
            <h2>"API tokens"</h2>
            <p class="hint mb-3">
                "For scripts and integrations, such as a pipeline that opens incidents. A token can read what members see; with write access it can also change services and incidents. Tokens can’t manage members, tokens or settings. "
                <a href="/api" rel="external">
                    "API documentation"
                </a>
            </p>
            <Transition>
                <ApiTokensContent tokens />
            </Transition>
        </section>
    }
}

/// The list once it is loaded. The resource is read inside the suspense boundary: outside, whether the server renders
/// it would depend on which resource resolves first.
#[component]
fn ApiTokensContent(tokens: ApiTokensResource) -> impl IntoView {
    let fault = Memo::new(move |_| tokens.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <LoadError error /> }.into_any(),
        Some(None) => view! { <ApiTokenList tokens /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn ApiTokenList(tokens: ApiTokensResource) -> impl IntoView {
    let all = Memo::new(move |_| tokens.get().and_then(Result::ok).unwrap_or_default());
    let ids = Memo::new(move |_| all.with(|all| all.iter().map(|token| token.id).collect::<Vec<_>>()));
    let row = move |id: TokenId| {
        let token = all.with_untracked(|all| all.iter().find(|token| token.id == id).cloned());
        token.map(|token| view! { <ApiTokenRow tokens token /> })
    };
    view! {
        <CreateTokenForm tokens />
        <p class="empty" hidden=move || all.with(|all| !all.is_empty())>
            "No tokens yet."
        </p>
        <ul class="card rows mt-3" hidden=move || all.with(Vec::is_empty)>
            <Each each=move || ids.get() key=|id| *id let:id>
                {row(id)}
            </Each>
        </ul>
    }
}

#[component]
fn ApiTokenRow(tokens: ApiTokensResource, token: ApiToken) -> impl IntoView {
    let action = FormAction::<RevokeApiToken>::new();
    let form = Form::about(action, "revoke-token", token.id);
    Effect::new(move |_| {
        if form.is_done() {
            tokens.refetch();
        }
    });
    let used = match token.last_used_at {
        Some(at) => view! { "last used " <Time at /> }.into_any(),
        None => "never used".into_any(),
    };
    let end = token.expires_at.map(|at| view! { " · expires " <Time at /> });
    view! {
        <li class="row">
            <div class="row-name">
                <p dir="auto">{token.name.clone()}</p>
                <p class="meta">
                    <code>{token.hint} "…"</code>
                    {format!(" · {} · ", token.scope.label())}
                    {used}
                    {end}
                </p>
            </div>
            <ServerForm form class="row-actions">
                <FormHead form />
                <input type="hidden" name="id" value=token.id.to_string() />
                <button
                    type="submit"
                    class="button button-danger"
                    aria-label=format!("Revoke {}", token.name)
                    disabled=move || form.is_pending()
                >
                    "Revoke"
                </button>
            </ServerForm>
        </li>
    }
}

#[component]
fn CreateTokenForm(tokens: ApiTokensResource) -> impl IntoView {
    let action = FormAction::<CreateApiToken>::new();
    let form = Form::new(action, "token");
    Effect::new(move |_| {
        if form.is_done() {
            tokens.refetch();
            form.reset_after_submit();
        }
    });
    let answered = use_one_time_answer::<ApiToken>(CreateApiToken::url());
    let made = Memo::new(move |_| match action.answer() {
        Some(answer) => answer.ok(),
        None => answered.clone(),
    });
    let scopes: Vec<_> = TokenScope::ALL.iter().map(|scope| (scope.to_string(), scope.label().to_owned())).collect();
    let ends = [("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "No expiration")];
    let ends: Vec<_> = ends.map(|(days, label)| (days.to_owned(), label.to_owned())).to_vec();
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="name" label="Token name" hint=|| "What it’s used for, such as “Deploy pipeline”." />
            <Select form name="scope" label="Access" choices=Signal::stored(scopes) />
            <Select form name="days" label="Expiration" choices=Signal::stored(ends) value="90".to_owned() />
            <div class="actions">
                <Submit form label="Create token" busy="Creating…" />
            </div>
        </ServerForm>
        <div role="status">{move || made.get().map(|token| view! { <TokenSecret token /> })}</div>
    }
}

/// The secret of a new token; shown once.
#[component]
fn TokenSecret(token: ApiToken) -> impl IntoView {
    let name = token.name.clone();
    view! {
        <div class="card stack shown-once">
            <p>
                "Secret of " <strong dir="auto">{name}</strong>
                ". Copy it now: it won’t be shown again."
            </p>
            <Copyable id="token-secret" label="Token secret" text=token.secret.unwrap_or_default() />
        </div>
    }
}
