//! One's own account: profile, password, sessions, second factor.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Field, Password},
            form::{Done, Form, FormHead, Submit},
            time::Time,
        },
        dashboard_state::{Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns::{
            self, BeginSecondFactor, ChangeEmail, ChangeName, ChangePassword, DisableSecondFactor, RenewRecoveryCodes,
            RevokeOtherSessions, RevokeSession,
        },
        session::{is_registration_open, use_told},
    },
    model::{OwnAccount, RecoveryCodes, Result, SessionInfo, Timestamp},
};

/// The account, as the server answers.
type Answer = Resource<Result<OwnAccount>>;

/// What makes new recovery codes. The page's own, as it is still listened to when the account is asked for again: the
/// codes it told are not told twice.
type Renewal = FormAction<RenewRecoveryCodes>;

/// What concerns oneself.
#[component]
pub fn AccountPage() -> impl IntoView {
    let answer: Answer = Resource::new_blocking(|| (), |()| server_fns::my_account());
    let renew = Renewal::new();
    let content = move || {
        answer.get().map(|account| match account {
            Ok(account) => view! { <Content answer renew account /> }.into_any(),
            Err(error) => view! { <Trouble error /> }.into_any(),
        })
    };
    view! {
        <Page title="Your account">
            // The board brings the live line, by which the end of this session is heard.
            <WhenLoaded let:_board>
                <Transition>{content}</Transition>
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn Content(answer: Answer, renew: Renewal, account: OwnAccount) -> impl IntoView {
    view! {
        <section class="group">
            <h2>"Profile"</h2>
            <NameForm name=account.name />
            <EmailForm email=account.email.to_string() />
        </section>
        <section class="group">
            <h2>"Password"</h2>
            <PasswordForm />
        </section>
        <section class="group">
            <h2>"Two-factor authentication"</h2>
            {match account.second_factor_since {
                Some(since) => view! { <SecondFactor renew since left=account.recovery_codes /> }.into_any(),
                None => view! { <NoSecondFactor /> }.into_any(),
            }}
        </section>
        <section class="group">
            <h2>"Sessions"</h2>
            <Sessions answer sessions=account.sessions />
        </section>
        {is_registration_open()
            .then(|| {
                view! {
                    <section class="group">
                        <h2>"Organizations"</h2>
                        <p class="actions">
                            <a class="button" href="/account/new-organization">
                                "New organization"
                            </a>
                        </p>
                    </section>
                }
            })}
    }
}

#[component]
fn NameForm(name: String) -> impl IntoView {
    let action = FormAction::<ChangeName>::new();
    let form = Form::new(action, "name");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="name" label="Your name" autocomplete="name" value=Signal::stored(name) />
            <div class="actions">
                <Submit form label="Save name" busy="Saving…" />
                <Done form saved="name" text="Your name is saved." />
            </div>
        </ServerForm>
    }
}

#[component]
fn EmailForm(email: String) -> impl IntoView {
    let action = FormAction::<ChangeEmail>::new();
    let form = Form::new(action, "email");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="email" label="Email" kind="email" autocomplete="email" value=Signal::stored(email) />
            <Password
                form
                autocomplete="current-password"
                label="Password, to change the email"
                hint=|| "You log in by this address, and a link for a new password goes there."
            />
            <div class="actions">
                <Submit form label="Save email" busy="Saving…" />
                <Done form saved="email" text="Your email is saved." />
            </div>
        </ServerForm>
    }
}

#[component]
fn PasswordForm() -> impl IntoView {
    let action = FormAction::<ChangePassword>::new();
    let form = Form::new(action, "change-password");
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Password form autocomplete="current-password" label="Current password" />
            <Password
                form
                name="new_password"
                autocomplete="new-password"
                label="New password"
                hint=|| "At least 12 characters. Every other session of yours ends."
            />
            <div class="actions">
                <Submit form label="Change password" busy="Changing…" />
                <Done form saved="password" text="Your password is changed." />
            </div>
        </ServerForm>
    }
}

#[component]
fn NoSecondFactor() -> impl IntoView {
    let action = FormAction::<BeginSecondFactor>::new();
    let form = Form::new(action, "begin-second-factor");
    view! {
        <ServerForm form class="card stack">
            <FormHead form />
            <p>
                "With an authenticator app, your password alone lets nobody in: whoever logs in also needs a code from your phone."
            </p>
            <div class="actions">
                <Submit form label="Set up two-factor authentication" busy="Preparing…" />
                <Done form saved="second-factor" text="Two-factor authentication is off." />
            </div>
        </ServerForm>
    }
}

#[component]
fn SecondFactor(renew: Renewal, since: Timestamp, left: u64) -> impl IntoView {
    let renewal = Form::new(renew, "renew-codes");
    let disable = FormAction::<DisableSecondFactor>::new();
    let removal = Form::new(disable, "disable-second-factor");
    let told = use_told::<RecoveryCodes>(RenewRecoveryCodes::url());
    let codes = move || match renew.answer() {
        Some(Ok(codes)) => Some(codes),
        _ => told.clone(),
    };
    let count = codes.clone();
    let count = move || count().map_or(left, |codes| u64::try_from(codes.codes.len()).unwrap_or(left));
    view! {
        <div class="card stack">
            <p>"A code is asked for at every login. Set up " <Time at=Signal::stored(since) /> "."</p>
            <p>
                {move || match count() {
                    0 => "No recovery codes are left.".to_owned(),
                    1 => "One recovery code is left.".to_owned(),
                    left => format!("{left} recovery codes are left."),
                }}
            </p>
        </div>
        {move || codes().map(|codes| view! { <Codes codes /> })}
        <details class="fold" open=renewal.is_refused()>
            <summary>"New recovery codes"</summary>
            <ServerForm form=renewal class="card stack" novalidate=true>
                <FormHead form=renewal />
                <p>"The codes you have now will not work any more."</p>
                <Password form=renewal autocomplete="current-password" label="Password, for new recovery codes" />
                <Submit form=renewal label="Make new recovery codes" busy="Making…" class="button" />
            </ServerForm>
        </details>
        <details class="fold" open=removal.is_refused()>
            <summary>"Turn two-factor authentication off"</summary>
            <ServerForm form=removal class="card stack" novalidate=true>
                <FormHead form=removal />
                <p>"Your password alone will let you in, and whoever knows it."</p>
                <Password form=removal autocomplete="current-password" label="Password, to turn it off" />
                <Submit form=removal label="Turn off" busy="Turning off…" class="button button-danger" />
            </ServerForm>
        </details>
    }
}

/// Recovery codes, the only time they are seen.
#[component]
pub fn Codes(
    /// The codes.
    codes: RecoveryCodes,
) -> impl IntoView {
    let list = codes.codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <div class="card stack" role="status">
            <h3>"Your recovery codes"</h3>
            <p>"Each lets you in once when you do not have your phone. Keep them safe: they are shown only now."</p>
            <ul class="grid grid-cols-[repeat(auto-fill,minmax(13rem,1fr))] gap-x-4 gap-y-1.5" aria-label="Recovery codes">{list}</ul>
        </div>
    }
}

#[component]
fn Sessions(answer: Answer, sessions: Vec<SessionInfo>) -> impl IntoView {
    let has_others = sessions.len() > 1;
    let rows = sessions.into_iter().map(|session| view! { <SessionRow answer session /> }).collect_view();
    view! {
        <ul class="card rows" aria-label="Sessions">{rows}</ul>
        {has_others.then(|| view! { <RevokeOthers answer /> })}
    }
}

#[component]
fn SessionRow(answer: Answer, session: SessionInfo) -> impl IntoView {
    let SessionInfo { id, user_agent, ip, created_at, last_seen_at, is_current } = session;
    let named = format!(", {user_agent}, {ip}, since {created_at}");
    let action = FormAction::<RevokeSession>::new();
    let form = Form::about(action, "revoke", id);
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    view! {
        <li class="row">
            <div class="row-name">
                <p dir="auto">{user_agent} {is_current.then_some(" · this session")}</p>
                <p class="hint">
                    {ip} " · last used " <Time at=Signal::stored(last_seen_at) /> " · since "
                    <Time at=Signal::stored(created_at) />
                </p>
            </div>
            {(!is_current)
                .then(|| {
                    view! {
                        <ServerForm form class="row-actions">
                            <FormHead form />
                            <input type="hidden" name="id" value=id.to_string() />
                            <Submit form label="Revoke" busy="Revoking…" class="button" to=named.clone() />
                        </ServerForm>
                    }
                })}
        </li>
    }
}

#[component]
fn RevokeOthers(answer: Answer) -> impl IntoView {
    let action = FormAction::<RevokeOtherSessions>::new();
    let form = Form::new(action, "revoke-others");
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    view! {
        <ServerForm form class="actions">
            <FormHead form />
            <Submit form label="Revoke all others" busy="Revoking…" class="button" />
        </ServerForm>
    }
}
