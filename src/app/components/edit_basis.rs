//! Optimistic locking of edit forms: a form submits the version it was begun on. When somebody else saved first, the
//! user sees a notice, keeps their text and decides.

use leptos::prelude::*;

use super::form::{Form, FormHead};

/// The version a form is based on: the latest while nothing is being edited, then the one editing began on, until the
/// user rebases on a newer one.
fn version_edited(last: Option<i64>, live: i64, accepted: i64, is_writing: bool) -> i64 {
    match last {
        Some(last) if is_writing => last.max(accepted),
        _ => live,
    }
}

/// The version an edit form is based on.
#[derive(Clone, Copy)]
pub struct EditBasis {
    /// The form.
    pub form: Form,
    live: Signal<i64>,
    version: Memo<i64>,
    accepted: RwSignal<i64>,
    /// Whether somebody else saved a newer version.
    is_changed: Memo<bool>,
    /// Whether the user has rebased since the last submission.
    has_rebased: RwSignal<bool>,
    is_alive: RwSignal<bool>,
}

impl EditBasis {
    /// The basis of a form about the thing with this `live` version. Keeps the version editing began on while
    /// `is_writing`.
    pub fn new(form: Form, live: Signal<i64>, is_writing: Signal<bool>) -> Self {
        let accepted = RwSignal::new(0);
        let begun = form.typed("version").and_then(|version| version.parse().ok());
        let version = Memo::new(move |last: Option<&i64>| {
            version_edited(last.copied().or(begun), live.get(), accepted.get(), is_writing.get())
        });
        let is_changed = Memo::new(move |was_changed: Option<&bool>| {
            // While the form is being sent, a newer version may be its own.
            let is_news = !form.is_pending() || was_changed == Some(&true);
            version.get() < live.get() && is_news
        });
        let (has_rebased, is_alive) = (RwSignal::new(false), RwSignal::new(false));
        let basis = Self { form, live, version, accepted, is_changed, has_rebased, is_alive };
        Effect::new(move |_| is_alive.set(true));
        Effect::new(move |_| {
            if form.is_pending() {
                has_rebased.set(false);
            }
        });
        basis
    }

    /// The basis of a form that shows `now`, and the form's initial value. The value follows `now` until the user
    /// types. The form keeps the version it was begun on only if `now` has changed: changes to other fields do not
    /// conflict.
    pub fn with_initial<T>(
        form: Form,
        is_touched: RwSignal<bool>,
        live: Signal<i64>,
        now: impl Fn() -> T + Copy + Send + Sync + 'static,
    ) -> (Self, Memo<T>)
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        let first = Memo::new(move |last: Option<&T>| match last {
            Some(last) if is_touched.get() => last.clone(),
            _ => now(),
        });
        // A form refused without JavaScript was begun on an earlier page.
        let was_begun_before = form.typed("version").is_some();
        let is_behind = Signal::derive(move || is_touched.get() && (was_begun_before || first.get() != now()));
        (Self::new(form, live, is_behind), first)
    }

    /// Rebases what is written on the latest version.
    fn rebase(self) {
        self.has_rebased.set(true);
        self.rebase_on(self.live.get_untracked());
    }

    /// Rebases what is written on this version.
    pub fn rebase_on(self, version: i64) {
        self.accepted.set(version);
    }

    /// The version the form submits. Without the client the latest: submitting again means the notice was read.
    fn submitted(self) -> i64 {
        if self.is_alive.get() { self.version.get() } else { self.live.get_untracked() }
    }

    /// Calls `refresh` on a conflict, as the other change may not have arrived here yet.
    pub fn on_conflict(self, refresh: impl Fn() + 'static) {
        Effect::new(move |_| {
            if self.form.is_conflict() {
                refresh();
            }
        });
    }

    /// Whether the refusal needs no message of its own: the notice shows it, or the form is being sent again.
    fn is_conflict_shown(self) -> bool {
        let is_shown = self.is_changed.get() || self.has_rebased.get() || self.form.is_pending();
        is_shown && self.form.is_conflict()
    }
}

/// The head of each edit form: hidden fields with the id and version of what is edited, and the notice about a conflict
/// or the reason for a refusal.
#[component]
pub fn EditHead(
    /// The version it is based on.
    basis: EditBasis,
    /// The id of what is edited.
    id: String,
    /// Its noun in a sentence.
    #[prop(into)]
    noun: Signal<&'static str>,
    /// Its current state.
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <FormHead form=basis.form is_quiet=Signal::derive(move || basis.is_conflict_shown()) />
        <input type="hidden" name="id" value=id />
        <input type="hidden" name="version" autocomplete="off" value=move || basis.submitted().to_string() />
        <div role="alert">
            <Show when=move || basis.is_changed.get()>
                <div class="changed">
                    <p>
                        <strong>{move || format!("This {} changed while you were writing.", noun.get())}</strong>
                        " Your text is still here."
                    </p>
                    {children()}
                    <button
                        type="button"
                        class="button when-alive"
                        disabled=move || basis.form.is_pending()
                        on:click=move |_| basis.rebase()
                    >
                        "Continue with the latest version"
                    </button>
                </div>
            </Show>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_form_follows_the_latest_version() {
        assert_eq!(version_edited(None, 3, 0, false), 3);
        assert_eq!(version_edited(Some(3), 4, 0, false), 4);
    }

    #[test]
    fn an_edit_stays_on_its_version_until_the_user_rebases() {
        assert_eq!(version_edited(Some(3), 4, 0, true), 3, "version 4 has not been accepted");
        assert_eq!(version_edited(Some(3), 5, 4, true), 4, "accepted 4, then 5 came");
        assert_eq!(version_edited(Some(3), 4, 4, true), 4);
        assert_eq!(version_edited(Some(5), 5, 4, true), 5, "accepting an older version changes nothing");
    }

    #[test]
    fn a_form_refused_without_javascript_keeps_the_version_it_was_sent_with() {
        // `begun` takes the place of `last` in the first round.
        assert_eq!(version_edited(Some(2), 4, 0, true), 2);
    }
}
