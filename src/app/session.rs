//! Who is signed in, as one context, and the form the server has just refused.
//!
//! The server provides both before it renders; `share` carries them to the browser with the page, so that both sides
//! draw the same.

use leptos::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{Account, FormAnswer, FormFailure, Role};

/// Who is signed in; nobody on the pages for visitors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session(pub Option<Account>);

/// A form sent without JavaScript and refused, while the page that answered it is the one on show.
#[derive(Clone, Copy)]
struct Refused(StoredValue<Option<FormFailure>>);

/// What came of a form sent without JavaScript, where the page that answered it tells it.
#[derive(Clone)]
struct Told(Option<FormAnswer>);

/// Reads what the server knows of this request and provides it to every page, alike on both sides.
pub fn share() {
    let session = SharedValue::new(|| use_context::<Session>().unwrap_or_default()).into_inner();
    let failure = SharedValue::new(use_context::<FormFailure>).into_inner();
    let refused = StoredValue::new(failure);
    provide_context(Told(SharedValue::new(use_context::<FormAnswer>).into_inner()));
    provide_context(session);
    provide_context(Refused(refused));
    // Once the page stands, the refusal is told; whoever comes back to the form later begins anew.
    Effect::new(move |_| refused.set_value(None));
}

/// Who is signed in.
pub fn use_account() -> Option<Account> {
    use_context::<Session>().and_then(|session| session.0)
}

/// Whether who is signed in may change the organization itself.
pub fn is_admin(account: &Account) -> bool {
    account.user.role == Role::Admin
}

/// The refusal of the form sent to `action`; of the one about `id`, where many forms share an action.
pub fn use_refusal(action: &str, id: Option<&str>) -> Option<FormFailure> {
    let failure = use_context::<Refused>()?.0.get_value()?;
    let is_meant = failure.action == action && id.is_none_or(|id| failure.values.get("id").is_some_and(|of| of == id));
    is_meant.then_some(failure)
}

/// What the form sent to `action` without JavaScript was answered, for the page that tells it.
pub fn use_told<T: DeserializeOwned>(action: &str) -> Option<T> {
    let told = use_context::<Told>()?.0.filter(|told| told.action == action)?;
    serde_json::from_str(&told.answer).ok()
}
