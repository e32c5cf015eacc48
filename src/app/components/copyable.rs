//! A read-only field with a copy button, for an address or a secret.

use leptos::{html, prelude::*, task::spawn_local};

/// Text in a read-only field with a button that copies it (needs the client).
#[component]
pub fn Copyable(
    /// The field's id.
    id: &'static str,
    /// The field's label.
    label: &'static str,
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// A hint, shown until the text is copied.
    #[prop(optional)]
    hint: &'static str,
    /// Further controls beside the field.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let is_copied = RwSignal::new(false);
    let copy = move |_| {
        if let Some(field) = field.get_untracked() {
            field.select();
            let write = window().navigator().clipboard().write_text(&field.value());
            spawn_local(async move { is_copied.set(js_sys::futures::JsFuture::from(write).await.is_ok()) });
        }
    };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="input-with-button">
                <input class="input" id=id readonly=true value=text node_ref=field />
                <button type="button" class="button when-alive" on:click=copy>
                    "Copy"
                </button>
                {children.map(|children| children())}
            </div>
            <p class="hint" role="status">
                {move || if is_copied.get() { "Copied." } else { hint }}
            </p>
        </div>
    }
}
