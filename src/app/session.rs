//! Who is signed in, what this server lets anybody do, and the form it has just refused.
//!
//! The server provides each before it renders; `share` carries them to the browser with the page, so that both sides
//! draw the same.

use leptos::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{Account, FormAnswer, FormFailure, Role, json};

/// Who is signed in; nobody on the pages for visitors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session(pub Option<Account>);

/// Whether anybody may create an organization here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Whether they may: whoever is invited may come in either way.
    pub is_open: bool,
}

/// A form sent without JavaScript and refused, while the page that answered it is the one on show.
#[derive(Clone, Copy)]
struct Refused(StoredValue<Option<FormFailure>>);

/// What the form sent without JavaScript was answered, where that is told once.
#[derive(Clone, Copy)]
struct OneTimeAnswer(StoredValue<Option<FormAnswer>>);

/// Reads what the server knows of this request and provides it to every page, alike on both sides.
pub fn share() {
    let session = SharedValue::new(|| use_context::<Session>().unwrap_or_default()).into_inner();
    let registration = SharedValue::new(use_context::<Registration>).into_inner();
    let failure = SharedValue::new(use_context::<FormFailure>).into_inner();
    let refused = StoredValue::new(failure);
    let told = StoredValue::new(SharedValue::new(use_context::<FormAnswer>).into_inner());
    provide_context(session);
    if let Some(registration) = registration {
        provide_context(registration);
    }
    provide_context(Refused(refused));
    provide_context(OneTimeAnswer(told));
    // Once the page stands, they are told; whoever comes back to the form later begins anew.
    Effect::new(move |_| {
        refused.set_value(None);
        told.set_value(None);
    });
}

/// Who is signed in.
pub fn use_account() -> Option<Account> {
    use_context::<Session>().and_then(|session| session.0)
}

/// Whether anybody may create an organization here.
pub fn is_registration_open() -> bool {
    use_context::<Registration>().is_none_or(|registration| registration.is_open)
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

/// What the form sent to `action` was answered without JavaScript, where that is told once.
pub fn use_told<T: DeserializeOwned>(action: &str) -> Option<T> {
    let told = use_context::<OneTimeAnswer>()?.0.get_value()?;
    json::read(&told.answer).ok().filter(|_| told.action == action)
}
