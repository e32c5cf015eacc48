//! Account settings: profile, password, second factor, sessions.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Field, Password},
            form::{Done, Form, FormHead, Submit},
            time::Time,
        },
        dashboard_state::{LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
        server_fns::{
            self, BeginSecondFactor, ChangeEmail, ChangeName, ChangePassword, DisableSecondFactor, RenewRecoveryCodes,
            RevokeOtherSessions, RevokeSession,
        },
        session::{is_registration_open, use_one_time_answer},
    },
    model::{OwnAccount, RecoveryCodes, Result, SessionInfo, Timestamp},
};

type AccountResource = Resource<Result<OwnAccount>>;

/// Generates recovery codes. Owned by the page: its answer, shown once, must survive a refetch of the account.
type RenewCodesAction = FormAction<RenewRecoveryCodes>;

/// The reader's account settings.
#[component]
pub fn AccountPage() -> impl IntoView {
    let answer: AccountResource = blocking_resource(|| (), |()| server_fns::my_account());
    let renew = RenewCodesAction::new();
    let content = move || {
        answer.get().map(|account| match account {
            Ok(account) => view! { <AccountContent answer renew account /> }.into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! {
        <Page title="Your account">
            // Brings the live feed, which reports the end of this session.
            <WhenLoaded let:_board>
                <Transition>{content}</Transition>
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn AccountContent(answer: AccountResource, renew: RenewCodesAction, account: OwnAccount) -> impl IntoView {
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
                Some(since) => view! { <SecondFactorOn renew since left=account.recovery_codes /> }.into_any(),
                None => view! { <SecondFactorOff /> }.into_any(),
            }}
        </section>
        <section class="group">
            <h2>"Sessions"</h2>
            <SessionList answer sessions=account.sessions />
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
                <Done form saved="name" text="Name saved." />
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
                label="Password to change your email"
                hint=|| "You log in with this address, and we send password reset links to it."
            />
            <div class="actions">
                <Submit form label="Save email" busy="Saving…" />
                <Done form saved="email" text="Email saved." />
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
                hint=|| "At least 12 characters. Your other sessions will be logged out."
            />
            <div class="actions">
                <Submit form label="Change password" busy="Changing…" />
                <Done form saved="password" text="Password changed." />
            </div>
        </ServerForm>
    }
}

#[component]
fn SecondFactorOff() -> impl IntoView {
    let action = FormAction::<BeginSecondFactor>::new();
    let form = Form::new(action, "begin-second-factor");
    view! {
        <ServerForm form class="card stack">
            <FormHead form />
            <p>
                "Require a code from an authenticator app in addition to your password when you log in."
            </p>
            <div class="actions">
                <Submit form label="Set up two-factor authentication" busy="Preparing…" />
                <Done form saved="second-factor" text="Two-factor authentication is off." />
            </div>
        </ServerForm>
    }
}

#[component]
fn SecondFactorOn(renew: RenewCodesAction, since: Timestamp, left: u64) -> impl IntoView {
    let renewal = Form::new(renew, "renew-codes");
    let disable = FormAction::<DisableSecondFactor>::new();
    let removal = Form::new(disable, "disable-second-factor");
    let answered = use_one_time_answer::<RecoveryCodes>(RenewRecoveryCodes::url());
    let codes = move || match renew.answer() {
        Some(Ok(codes)) => Some(codes),
        _ => answered.clone(),
    };
    let count = codes.clone();
    let count = move || count().map_or(left, |codes| u64::try_from(codes.codes.len()).unwrap_or(left));
    view! {
        <div class="card stack">
            <p>"A code is required at every login. Turned on " <Time at=Signal::stored(since) /> "."</p>
            <p>
                {move || match count() {
                    0 => "No recovery codes left.".to_owned(),
                    1 => "1 recovery code left.".to_owned(),
                    left => format!("{left} recovery codes left."),
                }}
            </p>
        </div>
        {move || codes().map(|codes| view! { <RecoveryCodeList codes /> })}
        <details class="fold" open=renewal.is_refused()>
            <summary>"New recovery codes"</summary>
            <ServerForm form=renewal class="card stack" novalidate=true>
                <FormHead form=renewal />
                <p>"Your current recovery codes will stop working."</p>
                <Password form=renewal autocomplete="current-password" label="Password to generate recovery codes" />
                <Submit form=renewal label="Generate new recovery codes" busy="Generating…" class="button" />
            </ServerForm>
        </details>
        <details class="fold" open=removal.is_refused()>
            <summary>"Turn off two-factor authentication"</summary>
            <ServerForm form=removal class="card stack" novalidate=true>
                <FormHead form=removal />
                <p>"Your account will be protected by your password alone."</p>
                <Password form=removal autocomplete="current-password" label="Password to turn off two-factor authentication" />
                <Submit form=removal label="Turn off" busy="Turning off…" class="button button-danger" />
            </ServerForm>
        </details>
    }
}

/// Newly generated recovery codes; shown once.
#[component]
pub fn RecoveryCodeList(
    /// The codes.
    codes: RecoveryCodes,
) -> impl IntoView {
    let list = codes.codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <div class="card stack" role="status">
            <h3>"Your recovery codes"</h3>
            <p>"Each code logs you in once if you don’t have your phone. Save them now: they won’t be shown again."</p>
            <ul class="grid grid-cols-[repeat(auto-fill,minmax(13rem,1fr))] gap-x-4 gap-y-1.5" aria-label="Recovery codes">{list}</ul>
        </div>
    }
}

#[component]
fn SessionList(answer: AccountResource, sessions: Vec<SessionInfo>) -> impl IntoView {
    let has_others = sessions.len() > 1;
    let rows = sessions.into_iter().map(|session| view! { <SessionRow answer session /> }).collect_view();
    view! {
        <ul class="card rows" aria-label="Sessions">{rows}</ul>
        {has_others.then(|| view! { <RevokeOthersForm answer /> })}
    }
}

#[component]
fn SessionRow(answer: AccountResource, session: SessionInfo) -> impl IntoView {
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
fn RevokeOthersForm(answer: AccountResource) -> impl IntoView {
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
            <Submit form label="Revoke all other sessions" busy="Revoking…" class="button" />
        </ServerForm>
    }
}
