//! Calls to one server function and their latest answer.

use leptos::{form::form_data_from_event, prelude::*, task::spawn_local};
use server_fn::{
    ServerFn, client::Client, error::FromServerFnError, redirect::call_redirect_hook, request::ClientReq,
    response::ClientRes,
};
use web_sys::{SubmitEvent, UrlSearchParams};

use crate::{
    app::server_fns::Logout,
    model::{Error, Result},
};

/// The HTTP client, the same for every server function.
type Browser = <Logout as ServerFn>::Client;
type Request = <Browser as Client<Error>>::Request;

/// [`FormAction`](super::action::FormAction) without its type: calls to one server function and the latest answer.
#[derive(Clone, Copy)]
pub struct Call {
    url: &'static str,
    /// The number of calls so far.
    sent: StoredValue<u32>,
    /// The number of calls without an answer.
    in_flight: RwSignal<u32>,
    /// The answer to the latest call, as JSON.
    pub(super) answer: RwSignal<Option<Result<String>>>,
}

impl Call {
    pub(super) fn to(url: &'static str) -> Self {
        Self { url, sent: StoredValue::new(0), in_flight: RwSignal::new(0), answer: RwSignal::new(None) }
    }

    /// The server function's address.
    pub const fn url(self) -> &'static str {
        self.url
    }

    /// Whether a call is in flight.
    pub fn pending(self) -> Memo<bool> {
        Memo::new(move |_| self.in_flight.get() > 0)
    }

    /// Whether the latest call succeeded; `None` before the first answer.
    pub fn outcome(self) -> Option<Result<()>> {
        self.answer.with(|answer| answer.as_ref().map(|answer| answer.as_ref().map(drop).map_err(Clone::clone)))
    }

    /// Sends the fields of the form being submitted. Only the answer to the latest call is kept.
    pub fn send(self, event: &SubmitEvent) {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        let Ok(fields) = form_data_from_event(event) else { return };
        let Ok(fields) = UrlSearchParams::new_with_str_sequence_sequence(&fields) else { return };
        let fields = String::from(fields.to_string());
        let number = self.sent.get_value() + 1;
        self.sent.set_value(number);
        self.in_flight.update(|in_flight| *in_flight += 1);
        spawn_local(async move {
            let answer = post(self.url, fields).await;
            // The form may have been unmounted in the meantime.
            self.in_flight.try_update(|in_flight| *in_flight -= 1);
            if self.sent.try_get_value() == Some(number) {
                self.answer.try_set(Some(answer));
            }
        });
    }
}

/// Posts fields to a server function and returns its answer as JSON. Follows redirects by Leptos's redirect hook.
async fn post(url: &str, fields: String) -> Result<String> {
    let request = <Request as ClientReq<Error>>::try_new_post(
        url,
        "application/x-www-form-urlencoded",
        "application/json",
        fields,
    )?;
    let response = <Browser as Client<Error>>::send(request).await?;
    let status = ClientRes::<Error>::status(&response);
    let redirect = ClientRes::<Error>::has_redirect(&response).then(|| ClientRes::<Error>::location(&response));
    if (400..=599).contains(&status) {
        return Err(Error::de(ClientRes::<Error>::try_into_bytes(response).await?));
    }
    let answer = ClientRes::<Error>::try_into_string(response).await?;
    if let Some(location) = redirect {
        call_redirect_hook(&location);
    }
    Ok(answer)
}
