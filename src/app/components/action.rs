//! Submission of forms: calls a server function and keeps its answer.
//!
//! Leptos's own `ServerAction` and `ActionForm` are compiled once per server function, of which the client has sixty.
//! Here only decoding an answer is generic; sending and waiting are shared by all.

use std::marker::PhantomData;

use leptos::{ev, form::form_data_from_event, html, prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;
use server_fn::{
    ServerFn, client::Client, error::FromServerFnError, redirect::call_redirect_hook, request::ClientReq,
    response::ClientRes,
};
use web_sys::{SubmitEvent, UrlSearchParams};

use super::form::Form;
use crate::{
    app::server_fns::Logout,
    model::{Error, Result, json},
};

/// The HTTP client, the same for every server function.
type Browser = <Logout as ServerFn>::Client;
type Request = <Browser as Client<Error>>::Request;

/// The server function `F` as the action of a form.
pub struct FormAction<F> {
    call: Call,
    function: PhantomData<fn() -> F>,
}

impl<F> Clone for FormAction<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for FormAction<F> {}

impl<F: ServerFn<Error = Error>> FormAction<F> {
    /// An action that has not been called yet.
    pub fn new() -> Self {
        Self { call: Call::to(F::url()), function: PhantomData }
    }

    /// The latest answer, if any.
    pub fn answer(self) -> Option<Result<F::Output>>
    where
        F::Output: DeserializeOwned,
    {
        self.call.answer.get().map(|answer| json::read(&answer?).map_err(|_| Error::internal()))
    }
}

impl<F> From<FormAction<F>> for Call {
    fn from(action: FormAction<F>) -> Self {
        action.call
    }
}

/// [`FormAction`] without its type: calls to one server function and the latest answer.
#[derive(Clone, Copy)]
pub struct Call {
    url: &'static str,
    /// The number of calls so far.
    sent: StoredValue<u32>,
    /// The number of calls without an answer.
    in_flight: RwSignal<u32>,
    /// The answer to the latest call, as JSON.
    answer: RwSignal<Option<Result<String>>>,
}

impl Call {
    fn to(url: &'static str) -> Self {
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

/// A form that submits to its server function: by the client where it runs, as plain HTML otherwise.
#[component]
pub fn ServerForm(
    /// Its state.
    form: Form,
    /// Its classes.
    #[prop(optional)]
    class: Option<&'static str>,
    /// Whether the browser's own validation is off, so that the server alone reports what is missing.
    #[prop(optional)]
    novalidate: bool,
    /// Its content.
    children: Children,
) -> impl IntoView {
    let call = form.call;
    html::form()
        .action(call.url())
        .method("post")
        .class(class)
        .novalidate(novalidate)
        .on(ev::submit, move |event| call.send(&event))
        .node_ref(form.node)
        .child(children())
}
