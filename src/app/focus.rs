//! Where the cursor goes when something has happened to a page. Nowhere, once its person has gone on to something else:
//! what they type must not end up where they no longer are.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// What holds the focus without anybody working in it: nothing, what a script gave it to, what cannot be used any more.
const IDLE: &str = "body, [tabindex='-1'], :disabled";

/// Leads from a form that was answered to what `find` finds, once that is drawn; not for whom has left the form.
pub fn lead_on(form: NodeRef<html::Form>, find: impl FnOnce() -> Option<HtmlElement> + 'static) {
    lead(move |active| form.try_get_untracked().flatten().is_some_and(|form| form.contains(Some(active))), find);
}

/// Leads to what `find` finds, once that is drawn, whoever has lost their place; not for whom has another.
pub fn lead_back(find: impl FnOnce() -> Option<HtmlElement> + 'static) {
    lead(|_| false, find);
}

/// The element with this id.
pub fn by_id(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

fn lead(has_stayed: impl FnOnce(&Element) -> bool + 'static, find: impl FnOnce() -> Option<HtmlElement> + 'static) {
    request_animation_frame(move || {
        let is_idle = |active: &Element| active.matches(IDLE).unwrap_or(false);
        if document().active_element().is_none_or(|active| is_idle(&active) || has_stayed(&active))
            && let Some(target) = find()
        {
            // An element that is gone by now needs no focus.
            _ = target.focus();
        }
    });
}
