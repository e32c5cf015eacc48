//! What is being written in a room, and the version it was begun on: when somebody else is faster, the writer is told
//! and loses nothing.

use leptos::{prelude::*, server_fn::ServerFn};

use super::Room;
use crate::{
    app::components::{
        form::{Form, FormHead},
        incident::LatestUpdate,
    },
    model::{Error, Incident},
};

/// The version that a form stands on: the newest while nothing is being written, then the one it was begun on, until
/// the writer goes on with a newer one.
fn basis(last: Option<i64>, live: i64, accepted: i64, is_writing: bool) -> i64 {
    match last {
        Some(last) if is_writing => last.max(accepted),
        _ => live,
    }
}

/// One of a room's forms.
#[derive(Clone, Copy)]
pub struct Draft {
    room: Room,
    /// The form.
    pub form: Form,
    is_writing: Signal<bool>,
    /// Whether something was typed into a form that does not say so itself.
    is_touched: RwSignal<bool>,
    version: Memo<i64>,
    accepted: RwSignal<i64>,
    /// How often the form has begun anew.
    round: RwSignal<u32>,
    is_alive: RwSignal<bool>,
}

impl Draft {
    /// A form that counts as being written from the first key or choice on ([`Draft::touch`]) until the server accepts it.
    pub fn new<F>(room: Room, action: ServerAction<F>, form: Form) -> Self
    where
        F: ServerFn<Output = Incident, Error = Error> + Clone + Send + Sync + 'static,
    {
        Self::of(room, action, form, None, || {})
    }

    /// A form that knows itself whether something is being written, and what to forget once the server has accepted it.
    pub fn of<F>(
        room: Room,
        action: ServerAction<F>,
        form: Form,
        is_writing: Option<Signal<bool>>,
        forget: impl Fn() + 'static,
    ) -> Self
    where
        F: ServerFn<Output = Incident, Error = Error> + Clone + Send + Sync + 'static,
    {
        let is_touched = RwSignal::new(form.is_typed());
        let is_writing = is_writing.unwrap_or_else(|| is_touched.into());
        let accepted = RwSignal::new(0);
        let begun = form.typed("version").and_then(|version| version.parse().ok());
        let version = Memo::new(move |last: Option<&i64>| {
            let live = room.incident.with(|incident| incident.version);
            basis(last.copied().or(begun), live, accepted.get(), is_writing.get())
        });
        let draft = Self {
            room,
            form,
            is_writing,
            is_touched,
            version,
            accepted,
            round: RwSignal::new(0),
            is_alive: RwSignal::new(false),
        };
        Effect::new(move |_| draft.is_alive.set(true));
        room.follow(action, move || {
            form.clear();
            forget();
            draft.is_touched.set(false);
            draft.round.update(|round| *round += 1);
        });
        draft
    }

    /// Something is being written.
    pub fn touch(self) {
        self.is_touched.set(true);
    }

    /// What the form begins with: follows `value` while nothing is being written, and then stays.
    pub fn begin_with<T>(self, value: impl Fn() -> T + Send + Sync + 'static) -> Memo<(u32, T)>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |last: Option<&(u32, T)>| match last {
            Some((round, last)) if self.is_writing.get() && *round == self.round.get() => (*round, last.clone()),
            _ => (self.round.get(), value()),
        })
    }

    /// Whether somebody else was faster.
    fn is_changed(self) -> bool {
        self.version.get() < self.room.incident.with(|incident| incident.version)
    }

    /// Goes on with what is written on top of what has been changed.
    fn go_on(self) {
        self.accepted.set(self.room.incident.with_untracked(|incident| incident.version));
    }

    /// What the form sends as its version. Without the client the newest: whoever sends it again has read the notice.
    fn sent(self) -> i64 {
        if self.is_alive.get() {
            self.version.get()
        } else {
            self.room.incident.with_untracked(|incident| incident.version)
        }
    }

    /// Whether the notice tells of a refusal already.
    fn is_told(self) -> bool {
        self.form.is_conflict() && (self.is_changed() || self.accepted.get() > 0)
    }
}

/// What each of a room's forms begins with: unseen, what it is about and which version of it; then what others have
/// changed meanwhile, or why the server refused it.
#[component]
pub fn DraftHead(
    /// The form.
    draft: Draft,
) -> impl IntoView {
    let Draft { room, form, .. } = draft;
    view! {
        <FormHead form is_quiet=Signal::derive(move || draft.is_told()) />
        <input type="hidden" name="id" value=room.id.to_string() />
        <input type="hidden" name="version" autocomplete="off" value=move || draft.sent().to_string() />
        <div role="alert">
            <Show when=move || draft.is_changed()>
                <Changed draft />
            </Show>
        </div>
    }
}

/// Who was faster, and with what.
#[component]
fn Changed(draft: Draft) -> impl IntoView {
    let room = draft.room;
    let author = move || room.incident.with(|incident| incident.latest().map(|update| update.created_by));
    view! {
        <div class="changed">
            <p>
                <strong>{move || format!("This {} changed while you were writing.", room.noun())}</strong>
                " What you wrote is still here. The newest update is"
                {move || author().map(|author| format!(", by {}", room.name_of(author)))}":"
            </p>
            <LatestUpdate incident=room.incident zone=room.zone />
            <button type="button" class="button when-alive" on:click=move |_| draft.go_on()>
                "Go on with the newest"
            </button>
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
