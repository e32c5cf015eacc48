//! The doors to one's own account, and to getting back into it.

use leptos::prelude::*;

use crate::model::{OwnAccount, RecoveryCodes, Result, SecondFactorSetup};

/// Signs a person in and leads to `next`, when that is one of our own paths, or to the dashboard; asks for a code first
/// where there is a second factor. Without `lasting` the session ends with the browser.
#[server]
pub async fn login(
    email: String,
    password: String,
    #[server(default)] lasting: Option<String>,
    #[server(default)] next: String,
) -> Result<()> {
    use crate::{model::LoginForm, server::server_fn::call};
    let form = LoginForm { email, password, code: None };
    call::enter_with(async move |door| door.login(form, lasting.is_some()).await, next).await
}

/// Takes the code of the second factor, or a recovery code, from who has just given the right password.
#[server]
pub async fn login_code(code: String, #[server(default)] next: String) -> Result<()> {
    crate::server::server_fn::call::answer_challenge(&code, next).await
}

/// The account and its sessions.
#[server]
pub async fn my_account() -> Result<OwnAccount> {
    use crate::server::{domain::Person, server_fn::call::call};
    call(async |person: Person| person.own_account().await).await
}

/// Changes one's name.
#[server]
pub async fn change_name(name: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::call};
    call::then("/account?saved=name", async move |person: Person| person.change_name(&name).await).await
}

/// Changes the address one signs in by.
#[server]
pub async fn change_email(email: String, password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call};
    call::then("/account?saved=email", async move |desk: AccountSecurity<Person>| {
        desk.change_email(&email, &password).await
    })
    .await
}

/// Changes the password: every other session ends.
#[server]
pub async fn change_password(password: String, new_password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call};
    let job = async move |desk: AccountSecurity<Person>| desk.change_password(&password, &new_password).await;
    call::go_on_with("/account?saved=password", job).await
}

/// Gives the password again and leads to `next`.
#[server]
pub async fn confirm_password(password: String, #[server(default)] next: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call};
    call::lead(async move |desk: AccountSecurity<Person>| {
        desk.confirm(&password).await.map(|()| call::own_or_dashboard(next))
    })
    .await
}

/// Ends one of one's sessions.
#[server]
pub async fn revoke_session(id: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::call};
    call::call(async move |person: Person| person.revoke_session(call::id(&id)?).await).await
}

/// Ends every session but this one.
#[server]
pub async fn revoke_other_sessions() -> Result<()> {
    use crate::server::{domain::Person, server_fn::call::call};
    call(async |person: Person| person.revoke_other_sessions().await).await
}

/// Begins to set up a second factor and leads to what the app needs.
#[server]
pub async fn begin_second_factor() -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::call};
    call::then("/account/second-factor", async |desk: AccountSecurity<Reauthenticated>| {
        desk.begin_second_factor().await
    })
    .await
}

/// What the app needs, while a second factor is being set up.
#[server]
pub async fn show_second_factor() -> Result<SecondFactorSetup> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::call::call};
    call(async |desk: AccountSecurity<Reauthenticated>| desk.second_factor_setup().await).await
}

/// Asks for the second factor from now on. Tells the recovery codes.
#[server]
pub async fn enable_second_factor(code: String) -> Result<RecoveryCodes> {
    use crate::server::{auth::AccountSecurity, domain::Reauthenticated, server_fn::call::told_once};
    told_once(async move |desk: AccountSecurity<Reauthenticated>| desk.enable_second_factor(&code).await).await
}

/// Takes the second factor away.
#[server]
pub async fn disable_second_factor(password: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call};
    call::then("/account?saved=second-factor", async move |desk: AccountSecurity<Person>| {
        desk.disable_second_factor(&password).await
    })
    .await
}

/// Makes new recovery codes; the old ones are good for nothing.
#[server]
pub async fn renew_recovery_codes(password: String) -> Result<RecoveryCodes> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call::told_once};
    told_once(async move |desk: AccountSecurity<Person>| desk.renew_recovery_codes(&password).await).await
}

/// Whether the server sends mail.
#[server]
pub async fn sends_mail() -> Result<bool> {
    use crate::server::{auth::SignIn, server_fn::call::call};
    call(async |door: SignIn| Ok(door.sends_mail())).await
}

/// Sends a link for a new password, where somebody has this address, and says so either way.
#[server]
pub async fn request_password_reset(email: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::call};
    call::then("/forgot-password?sent=yes", async move |door: SignIn| door.request_reset(&email).await).await
}

/// Whether a link for a new password still works; refused, when it does not.
#[server]
pub async fn view_reset(token: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::call::call};
    call(async move |door: SignIn| door.view_reset(&token).await).await
}

/// Sets a new password by the secret of a link, and leads to the login.
#[server]
pub async fn reset_password(token: String, password: String) -> Result<()> {
    use crate::server::{auth::SignIn, server_fn::call};
    call::then("/login?reset=done", async move |door: SignIn| door.reset_password(&token, &password).await).await
}
