//! Buttons that move a service or a group up or down.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlButtonElement, MouseEvent};

use crate::{
    app::{
        components::{form::PageField, icon::Icon},
        focus,
        session::use_refusal,
    },
    model::Placement,
};

/// Two buttons, `Move {name} up` and `Move {name} down`, each disabled at its end of the list. Without JavaScript they
/// send a plain form to `action`.
#[component]
pub fn MoveButtons(
    /// The URL of the server function.
    action: &'static str,
    /// The id of the service or group.
    id: String,
    /// Its name.
    #[prop(into)]
    name: Signal<String>,
    /// Whether it is the first and the last of its list.
    #[prop(into)]
    ends: Signal<(bool, bool)>,
    /// Called with the direction, once the page is hydrated.
    #[prop(into)]
    on_move: Callback<Placement>,
) -> impl IntoView {
    let fault = use_refusal(action, Some(&id)).map(|refusal| {
        view! {
            <p class="fault" role="alert">
                {refusal.error.message}
            </p>
        }
    });
    let button = |direction: Placement| {
        let is_at_end = move || match direction {
            Placement::Up => ends.get().0,
            Placement::Down => ends.get().1,
        };
        let icon = match direction {
            Placement::Up => Icon::Up,
            Placement::Down => Icon::Down,
        };
        view! {
            <button
                type="submit"
                class="button button-icon"
                id=button_id(&id, direction)
                name="direction"
                value=direction.as_str()
                title=move || format!("Move {} {direction}", name.get())
                disabled=is_at_end
                on:click=move |event: MouseEvent| {
                    event.prevent_default();
                    on_move.run(direction);
                }
            >
                {icon.draw()}
                <span class="sr-only">{move || format!("Move {} {direction}", name.get())}</span>
            </button>
        }
    };
    let (up, down) = (button(Placement::Up), button(Placement::Down));
    view! {
        <form class="flex items-center gap-1" method="post" action=action>
            <PageField />
            <input type="hidden" name="id" value=id />
            {up}
            {down}
            {fault}
        </form>
    }
}

/// Restores focus to the button that was pressed, or to its pair at the end of the list: moving the row loses it.
pub fn refocus(id: &str, direction: Placement) {
    let opposite = match direction {
        Placement::Up => Placement::Down,
        Placement::Down => Placement::Up,
    };
    let ids = [button_id(id, direction), button_id(id, opposite)];
    focus::restore(move || {
        let buttons = ids.iter().filter_map(|id| focus::by_id(id)?.dyn_into::<HtmlButtonElement>().ok());
        buttons.into_iter().find(|button| !button.disabled()).map(Into::into)
    });
}

fn button_id(id: &str, direction: Placement) -> String {
    format!("move-{direction}-{id}")
}
