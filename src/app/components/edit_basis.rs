//! The version of a thing that a form about it is written on: when somebody else is faster, the writer is told and loses
//! nothing.

use leptos::prelude::*;

use super::form::{Form, FormHead};

/// The version that a form stands on: the newest while nothing is being written, then the one it was begun on, until
/// the writer goes on with a newer one.
fn basis(last: Option<i64>, live: i64, accepted: i64, is_writing: bool) -> i64 {
    match last {
        Some(last) if is_writing => last.max(accepted),
        _ => live,
    }
}

/// What a form's text is a change of.
#[derive(Clone, Copy)]
pub struct EditBasis {
    /// The form.
    pub form: Form,
    live: Signal<i64>,
    version: Memo<i64>,
    accepted: RwSignal<i64>,
    /// Whether somebody else was faster.
    is_changed: Memo<bool>,
    /// Whether the writer went on with what was changed, since the form was sent last.
    went_on: RwSignal<bool>,
    is_alive: RwSignal<bool>,
}

impl EditBasis {
    /// A form about what has this version now. It keeps to the one it was begun on while `is_writing`.
    pub fn new(form: Form, live: Signal<i64>, is_writing: Signal<bool>) -> Self {
        let accepted = RwSignal::new(0);
        let begun = form.typed("version").and_then(|version| version.parse().ok());
        let version = Memo::new(move |last: Option<&i64>| {
            basis(last.copied().or(begun), live.get(), accepted.get(), is_writing.get())
        });
        let is_changed = Memo::new(move |was_changed: Option<&bool>| {
            // While the form is on its way, a newer version may be its own.
            let is_news = !form.is_pending() || was_changed == Some(&true);
            version.get() < live.get() && is_news
        });
        let (went_on, is_alive) = (RwSignal::new(false), RwSignal::new(false));
        let edition = Self { form, live, version, accepted, is_changed, went_on, is_alive };
        Effect::new(move |_| is_alive.set(true));
        Effect::new(move |_| {
            if form.is_pending() {
                went_on.set(false);
            }
        });
        edition
    }

    /// A form about what is `now` and has the version `live`, with what it begins with: that follows until something is
    /// typed, and then stays. It keeps to the version it was begun on only when what it shows has become something else;
    /// what was changed beside that leaves alone what is being written.
    pub fn begun_with<T>(
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
        // Sent without the client and shown again, it was begun on an earlier page.
        let was_begun_before = form.typed("version").is_some();
        let is_behind = Signal::derive(move || is_touched.get() && (was_begun_before || first.get() != now()));
        (Self::new(form, live, is_behind), first)
    }

    /// Goes on with what is written on top of what has been changed.
    fn go_on(self) {
        self.went_on.set(true);
        self.stand_on(self.live.get_untracked());
    }

    /// Goes on with what is written on this version.
    pub fn stand_on(self, version: i64) {
        self.accepted.set(version);
    }

    /// What the form sends as its version. Without the client the newest: whoever sends it again has read the notice.
    fn sent(self) -> i64 {
        if self.is_alive.get() { self.version.get() } else { self.live.get_untracked() }
    }

    /// Does this when somebody else was faster: what they changed may not be known here yet.
    pub fn on_conflict(self, learn: impl Fn() + 'static) {
        Effect::new(move |_| {
            if self.form.is_conflict() {
                learn();
            }
        });
    }

    /// Whether the notice tells of a refusal already, or has told of it, or another answer is awaited.
    fn is_told(self) -> bool {
        let is_told = self.is_changed.get() || self.went_on.get() || self.form.is_pending();
        is_told && self.form.is_conflict()
    }
}

/// What each form that changes a thing begins with: unseen, what it is about and which version of it; then what others
/// have changed meanwhile, or why the server refused it.
#[component]
pub fn EditionHead(
    /// The version it stands on.
    edition: EditBasis,
    /// The id of what it is about.
    id: String,
    /// What that is called in a sentence.
    #[prop(into)]
    noun: Signal<&'static str>,
    /// How the thing is now.
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <FormHead form=edition.form is_quiet=Signal::derive(move || edition.is_told()) />
        <input type="hidden" name="id" value=id />
        <input type="hidden" name="version" autocomplete="off" value=move || edition.sent().to_string() />
        <div role="alert">
            <Show when=move || edition.is_changed.get()>
                <div class="changed">
                    <p>
                        <strong>{move || format!("This {} changed while you were writing.", noun.get())}</strong>
                        " What you wrote is still here."
                    </p>
                    {children()}
                    <button
                        type="button"
                        class="button when-alive"
                        disabled=move || edition.form.is_pending()
                        on:click=move |_| edition.go_on()
                    >
                        "Go on with the newest"
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
    fn an_untouched_form_follows_the_newest_version() {
        assert_eq!(basis(None, 3, 0, false), 3);
        assert_eq!(basis(Some(3), 4, 0, false), 4);
    }

    #[test]
    fn what_is_being_written_stays_on_its_version_until_the_writer_goes_on() {
        assert_eq!(basis(Some(3), 4, 0, true), 3, "4 is news to the writer");
        assert_eq!(basis(Some(3), 5, 4, true), 4, "went on with 4, then came 5");
        assert_eq!(basis(Some(3), 4, 4, true), 4);
        assert_eq!(basis(Some(5), 5, 4, true), 5, "an older going-on does not lead back");
    }

    #[test]
    fn a_form_refused_without_javascript_stands_on_the_version_it_was_sent_with() {
        // `begun` takes the place of `last` in the first round.
        assert_eq!(basis(Some(2), 4, 0, true), 2);
    }
}
