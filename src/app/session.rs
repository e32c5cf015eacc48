//! Request context of the pages: the account, whether registration is open, and the answer to a form sent without
//! JavaScript.
//!
//! The server provides it before rendering; [`provide_request_context`] sends it along with the page, so that hydration
//! renders the same.

use leptos::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{Account, FormAnswer, FormFailure, Role, json};

/// The signed-in account; none for visitors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session(pub Option<Account>);

/// The registration setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Whether anybody may create an organization; invitations work either way.
    pub is_open: bool,
}

/// The refusal of a form sent without JavaScript, until the page is hydrated.
#[derive(Clone, Copy)]
struct RefusedForm(StoredValue<Option<FormFailure>>);

/// The answer to a form sent without JavaScript that contains secrets shown once.
#[derive(Clone, Copy)]
struct OneTimeAnswer(StoredValue<Option<FormAnswer>>);

/// Provides the request context to all pages, on the server and in the browser.
pub fn provide_request_context() {
    let session = SharedValue::new(|| use_context::<Session>().unwrap_or_default()).into_inner();
    let registration = SharedValue::new(use_context::<Registration>).into_inner();
    let failure = SharedValue::new(use_context::<FormFailure>).into_inner();
    let refused = StoredValue::new(failure);
    let one_time = StoredValue::new(SharedValue::new(use_context::<FormAnswer>).into_inner());
    provide_context(session);
    if let Some(registration) = registration {
        provide_context(registration);
    }
    provide_context(RefusedForm(refused));
    provide_context(OneTimeAnswer(one_time));
    // Shown once: later visits to the form start empty.
    Effect::new(move |_| {
        refused.set_value(None);
        one_time.set_value(None);
    });
}

/// The signed-in account.
pub fn use_account() -> Option<Account> {
    use_context::<Session>().and_then(|session| session.0)
}

/// Whether anybody may create an organization here.
pub fn is_registration_open() -> bool {
    use_context::<Registration>().is_none_or(|registration| registration.is_open)
}

/// Whether an account is an admin of its organization.
pub fn is_admin(account: &Account) -> bool {
    account.user.role == Role::Admin
}

/// The refusal of the form sent to `action`; with `id`, only of the form about that thing.
pub fn use_refusal(action: &str, id: Option<&str>) -> Option<FormFailure> {
    let failure = use_context::<RefusedForm>()?.0.get_value()?;
    let is_match = failure.action == action && id.is_none_or(|id| failure.values.get("id").is_some_and(|of| of == id));
    is_match.then_some(failure)
}

/// The one-time answer to the form sent to `action` without JavaScript.
pub fn use_one_time_answer<T: DeserializeOwned>(action: &str) -> Option<T> {
    let answer = use_context::<OneTimeAnswer>()?.0.get_value()?;
    json::read(&answer.answer).ok().filter(|_| answer.action == action)
}
