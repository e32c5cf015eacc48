//! What a form does when it is sent: calls a server function and keeps the answer.
//!
//! Leptos's own `ServerAction` and `ActionForm` are compiled once for each server function, which the client has sixty
//! of. Here only the reading of an answer is; sending and waiting are alike for all of them.

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

/// How the browser reaches the server: the same for every server function.
type Browser = <Logout as ServerFn>::Client;
type Request = <Browser as Client<Error>>::Request;

/// The server function `F`, as forms call it.
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
    /// Nothing has been sent yet.
    pub fn new() -> Self {
        Self { call: Call::to(F::url()), function: PhantomData }
    }

    /// The last answer, if there was one.
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

/// A server function as forms call it, whichever it is.
#[derive(Clone, Copy)]
pub struct Call {
    url: &'static str,
    /// How often it was sent.
    sent: StoredValue<u32>,
    /// How many answers are awaited.
    awaited: RwSignal<u32>,
    /// What the server said to the newest sending it has answered, as JSON.
    answer: RwSignal<Option<Result<String>>>,
}

impl Call {
    fn to(url: &'static str) -> Self {
        Self { url, sent: StoredValue::new(0), awaited: RwSignal::new(0), answer: RwSignal::new(None) }
    }

    /// The address it is sent to.
    pub const fn url(self) -> &'static str {
        self.url
    }

    /// Whether an answer is awaited.
    pub fn pending(self) -> Memo<bool> {
        Memo::new(move |_| self.awaited.get() > 0)
    }

    /// Whether the server did what it was last asked to; nothing while there is no answer.
    pub fn outcome(self) -> Option<Result<()>> {
        self.answer.with(|answer| answer.as_ref().map(|answer| answer.as_ref().map(drop).map_err(Clone::clone)))
    }

    /// Sends what a form holds that is being submitted. An answer to what was sent before something newer is not kept.
    pub fn send(self, event: &SubmitEvent) {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        // A form that is being submitted is there, and its fields are text.
        let Ok(fields) = form_data_from_event(event) else { return };
        let Ok(fields) = UrlSearchParams::new_with_str_sequence_sequence(&fields) else { return };
        let fields = String::from(fields.to_string());
        let number = self.sent.get_value() + 1;
        self.sent.set_value(number);
        self.awaited.update(|awaited| *awaited += 1);
        spawn_local(async move {
            let answer = post(self.url, fields).await;
            // Whoever sent it may have left by now.
            self.awaited.try_update(|awaited| *awaited -= 1);
            if self.sent.try_get_value() == Some(number) {
                self.answer.try_set(Some(answer));
            }
        });
    }
}

/// Sends fields to a server function; what it answers, as JSON. Where it leads, the redirect hook goes.
async fn post(url: &str, fields: String) -> Result<String> {
    let request = <Request as ClientReq<Error>>::try_new_post(
        url,
        "application/x-www-form-urlencoded",
        "application/json",
        fields,
    )?;
    let response = <Browser as Client<Error>>::send(request).await?;
    let status = ClientRes::<Error>::status(&response);
    let leads_to = ClientRes::<Error>::has_redirect(&response).then(|| ClientRes::<Error>::location(&response));
    if (400..=599).contains(&status) {
        return Err(Error::de(ClientRes::<Error>::try_into_bytes(response).await?));
    }
    let answer = ClientRes::<Error>::try_into_string(response).await?;
    if let Some(place) = leads_to {
        call_redirect_hook(&place);
    }
    Ok(answer)
}

/// A form that calls its server function: by the client where it runs, as plain HTML where it does not.
#[component]
pub fn ServerForm(
    /// Its conversation with the server.
    form: Form,
    /// How it looks.
    #[prop(optional)]
    class: Option<&'static str>,
    /// Whether the server alone says what is missing.
    #[prop(optional)]
    novalidate: bool,
    /// What stands in it.
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
