//! The caller's own account: login, password reset, profile, sessions and two-factor authentication.

use leptos::prelude::*;

use crate::model::{OwnAccount, RecoveryCodes, Result, SecondFactorSetup};

/// Logs in and redirects to `next`, or to the dashboard if that is not one of our own paths. If a second factor is on,
/// redirects to the form for its code first. Without `lasting`, the cookie lasts until the browser is closed.
#[server]
pub async fn login(
    email: String,
    password: String,
    #[server(default)] lasting: Option<String>,
    #[server(default)] next: String,
) -> Result<()> {
    use crate::{model::LoginForm, server::server_fn::prelude::*};
    let form = LoginForm { email, password, code: None };
    sign_in_or_challenge(async move |sign_in| sign_in.login(form, lasting.is_some()).await, next).await
}

/// Completes a login with the second factor's code or a recovery code.
#[server]
pub async fn login_code(code: String, #[server(default)] next: String) -> Result<()> {
    crate::server::server_fn::session_flow::answer_challenge(&code, next).await
}

/// The account and its sessions.
#[server]
pub async fn my_account() -> Result<OwnAccount> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call(async |person: Person| person.own_account().await).await
}

/// Changes the caller's name.
#[server]
pub async fn change_name(name: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call_and_redirect("/account?saved=name", async move |person: Person| person.change_name(&name).await).await
}

/// Changes the caller's email address.
#[server]
pub async fn change_email(email: String, password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    call_and_redirect("/account?saved=email", async move |account: AccountSecurity<Person>| {
        account.change_email(&email, &password).await
    })
    .await
}

/// Changes the password and ends all other sessions.
#[server]
pub async fn change_password(password: String, new_password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    let job = async move |account: AccountSecurity<Person>| account.change_password(&password, &new_password).await;
    continue_session("/account?saved=password", job).await
}

/// Re-authenticates with the password and redirects to `next`.
#[server]
pub async fn confirm_password(password: String, #[server(default)] next: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    call_for_redirect(async move |account: AccountSecurity<Person>| {
        account.confirm(&password).await.map(|()| own_or_dashboard(next))
    })
    .await
}

/// Ends one of the caller's sessions.
#[server]
pub async fn revoke_session(id: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call(async move |person: Person| person.revoke_session(form_fields::id(&id)?).await).await
}

/// Ends all sessions except this one.
#[server]
pub async fn revoke_other_sessions() -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call(async |person: Person| person.revoke_other_sessions().await).await
}

/// Starts the setup of a second factor and redirects to its page.
#[server]
pub async fn begin_second_factor() -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::prelude::*};
    call_and_redirect("/account/second-factor", async |account: AccountSecurity<Reauthenticated>| {
        account.begin_second_factor().await
    })
    .await
}

/// The secret for the authenticator app, while a second factor is being set up.
#[server]
pub async fn show_second_factor() -> Result<SecondFactorSetup> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::prelude::*};
    call(async |account: AccountSecurity<Reauthenticated>| account.second_factor_setup().await).await
}

/// Turns the second factor on and returns the recovery codes.
#[server]
pub async fn enable_second_factor(code: String) -> Result<RecoveryCodes> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::prelude::*};
    call_one_time(async move |account: AccountSecurity<Reauthenticated>| account.enable_second_factor(&code).await)
        .await
}

/// Turns the second factor off.
#[server]
pub async fn disable_second_factor(password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    call_and_redirect("/account?saved=second-factor", async move |account: AccountSecurity<Person>| {
        account.disable_second_factor(&password).await
    })
    .await
}

/// Replaces the recovery codes with new ones.
#[server]
pub async fn renew_recovery_codes(password: String) -> Result<RecoveryCodes> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    call_one_time(async move |account: AccountSecurity<Person>| account.renew_recovery_codes(&password).await).await
}

/// Whether the server sends mail.
#[server]
pub async fn sends_mail() -> Result<bool> {
    use crate::server::{auth::SignIn, server_fn::prelude::*};
    call(async |sign_in: SignIn| Ok(sign_in.sends_mail())).await
}

/// Mails a password reset link if an account has this address. The answer is the same either way.
#[server]
pub async fn request_password_reset(email: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::prelude::*};
    call_and_redirect("/forgot-password?sent=yes", async move |sign_in: SignIn| sign_in.request_reset(&email).await)
        .await
}

/// Returns an error if a password reset link no longer works.
#[server]
pub async fn view_reset(token: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::prelude::*};
    call(async move |sign_in: SignIn| sign_in.view_reset(&token).await).await
}

/// Sets a new password with the token of a reset link, and redirects to the login.
#[server]
pub async fn reset_password(token: String, password: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::prelude::*};
    call_and_redirect("/login?reset=done", async move |sign_in: SignIn| sign_in.reset_password(&token, &password).await)
        .await
}
