//! Messages about what happened outside a form: in a corner, announced once, there until dismissed.

use leptos::prelude::*;

use super::each::Each;

/// At most this many messages stand at once; the oldest gives way.
const MAX_SHOWN: usize = 3;

#[derive(Clone, PartialEq)]
struct Notice {
    number: usize,
    text: String,
}

/// The messages on show.
#[derive(Clone, Copy)]
pub struct Notices {
    shown: RwSignal<Vec<Notice>>,
    last: StoredValue<usize>,
}

impl Notices {
    /// No messages.
    pub fn new() -> Self {
        Self { shown: RwSignal::default(), last: StoredValue::new(0) }
    }

    /// Shows a message.
    pub fn add(self, text: String) {
        self.last.update_value(|last| *last += 1);
        let number = self.last.get_value();
        self.shown.update(|shown| {
            shown.push(Notice { number, text });
            if shown.len() > MAX_SHOWN {
                shown.remove(0);
            }
        });
    }

    fn dismiss(self, number: usize) {
        self.shown.update(|shown| shown.retain(|notice| notice.number != number));
    }
}

/// The corner in which messages appear; empty, and out of the way, while there are none.
#[component]
pub fn NoticeCorner(
    /// The messages.
    notices: Notices,
) -> impl IntoView {
    view! {
        <div class="notices" role="alert">
            <Each each=move || notices.shown.get() key=|notice| notice.number let:notice>
                <div class="notice">
                    <p>{notice.text}</p>
                    <button type="button" class="button" on:click=move |_| notices.dismiss(notice.number)>
                        "Dismiss"
                    </button>
                </div>
            </Each>
        </div>
    }
}
