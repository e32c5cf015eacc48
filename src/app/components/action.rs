//! Submission of forms: calls a server function and keeps its answer.
//!
//! Leptos's own `ServerAction` and `ActionForm` are compiled once per server function, of which the client has sixty.
//! Here only decoding an answer is generic; sending and waiting are shared by all.

use std::marker::PhantomData;

use leptos::{ev, html, prelude::*};
use serde::de::DeserializeOwned;
use server_fn::ServerFn;

use super::{call::Call, form::Form};
use crate::model::{Error, Result, json};

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
