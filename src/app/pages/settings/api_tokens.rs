//! API tokens: for programs, made and revoked by admins.

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
        dashboard_state::Trouble,
        server_fns::{self, CreateApiToken, RevokeApiToken},
        session::use_told,
    },
    model::{ApiToken, Result, TokenId, TokenScope},
};

/// The tokens, as the server answers.
pub type Tokens = Resource<Result<Vec<ApiToken>>>;

/// The tokens, asked for before the page is drawn.
pub fn load() -> Tokens {
    Resource::new_blocking(|| (), |()| server_fns::api_tokens())
}

/// The tokens there are, and the form to make one.
#[component]
pub fn ApiTokens(
    /// The tokens.
    tokens: Tokens,
) -> impl IntoView {
    view! {
        <section class="group" id="tokens">
            <h2>"API tokens"</h2>
            <p class="hint mb-3">
                "For programs, such as a pipeline that opens incidents. A token reads what members see; one that may write also changes services and incidents. It never manages members, tokens or settings. "
                <a href="/api" rel="external">
                    "What the API can do"
                </a>
            </p>
            <Transition>
                <Content tokens />
            </Transition>
        </section>
    }
}

/// The list, once it is there. What asks for it stands inside the boundary that waits for it: outside, whether the
/// server draws it would depend on which answer comes first.
#[component]
fn Content(tokens: Tokens) -> impl IntoView {
    let fault = Memo::new(move |_| tokens.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <Trouble error /> }.into_any(),
        Some(None) => view! { <List tokens /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn List(tokens: Tokens) -> impl IntoView {
    let known = Memo::new(move |_| tokens.get().and_then(Result::ok).unwrap_or_default());
    let ids = Memo::new(move |_| known.with(|known| known.iter().map(|token| token.id).collect::<Vec<_>>()));
    let row = move |id: TokenId| {
        let token = known.with_untracked(|known| known.iter().find(|token| token.id == id).cloned());
        token.map(|token| view! { <Row tokens token /> })
    };
    view! {
        <Create tokens />
        <p class="empty" hidden=move || known.with(|known| !known.is_empty())>
            "No tokens yet."
        </p>
        <ul class="card rows mt-3" hidden=move || known.with(Vec::is_empty)>
            <Each each=move || ids.get() key=|id| *id let:id>
                {row(id)}
            </Each>
        </ul>
    }
}

#[component]
fn Row(tokens: Tokens, token: ApiToken) -> impl IntoView {
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
    let end = token.expires_at.map(|at| view! { " · expiry " <Time at /> });
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
fn Create(tokens: Tokens) -> impl IntoView {
    let action = FormAction::<CreateApiToken>::new();
    let form = Form::new(action, "token");
    Effect::new(move |_| {
        if form.is_done() {
            tokens.refetch();
            form.reset_after_submit();
        }
    });
    let first = use_told::<ApiToken>(CreateApiToken::url());
    let made = Memo::new(move |_| match action.answer() {
        Some(answer) => answer.ok(),
        None => first.clone(),
    });
    let scopes: Vec<_> = TokenScope::ALL.iter().map(|scope| (scope.to_string(), scope.label().to_owned())).collect();
    let ends = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked")];
    let ends: Vec<_> = ends.map(|(days, words)| (days.to_owned(), words.to_owned())).to_vec();
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="name" label="Token name" hint=|| "What it is for, such as “Deploy pipeline”." />
            <Select form name="scope" label="May" choices=Signal::stored(scopes) />
            <Select form name="days" label="Works for" choices=Signal::stored(ends) value="90".to_owned() />
            <div class="actions">
                <Submit form label="Create token" busy="Creating…" />
            </div>
        </ServerForm>
        <div role="status">{move || made.get().map(|token| view! { <Secret token /> })}</div>
    }
}

/// The secret of a token that has just been made: the only time it is shown.
#[component]
fn Secret(token: ApiToken) -> impl IntoView {
    let name = token.name.clone();
    view! {
        <div class="card stack shown-once">
            <p>
                "This is the secret of " <strong dir="auto">{name}</strong>
                ". Keep it where your program finds it: it is not shown again."
            </p>
            <Copyable id="token-secret" label="Token secret" text=token.secret.unwrap_or_default() />
        </div>
    }
}
