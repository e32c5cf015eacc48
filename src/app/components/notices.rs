//! Notices about what happened outside a form: in a corner, announced once, shown until dismissed.

use leptos::prelude::*;

use super::each::Each;

/// Maximum number of notices at once; the oldest is dropped.
const MAX_SHOWN: usize = 3;

#[derive(Clone, PartialEq)]
struct Notice {
    number: usize,
    text: String,
}

/// The notices being shown.
#[derive(Clone, Copy)]
pub struct Notices {
    shown: RwSignal<Vec<Notice>>,
    last: StoredValue<usize>,
}

impl Notices {
    /// No notices.
    pub fn new() -> Self {
        Self { shown: RwSignal::default(), last: StoredValue::new(0) }
    }

    /// Shows a notice.
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

/// The corner in which notices appear.
#[component]
pub fn NoticeCorner(
    /// The notices.
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
