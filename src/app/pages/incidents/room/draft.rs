//! What is being written in a room, and the version it was begun on: when somebody else is faster, the writer is told
//! and loses nothing.

use leptos::{prelude::*, server_fn::ServerFn};

use super::Room;
use crate::{
    app::components::{
        action::FormAction,
        edit_basis::{EditBasis, EditHead},
        form::Form,
        incident::LatestUpdate,
    },
    model::{Error, Incident},
};

/// One of a room's forms.
#[derive(Clone, Copy)]
pub struct Draft {
    room: Room,
    is_writing: Signal<bool>,
    /// Whether something was typed into a form that does not say so itself.
    is_touched: RwSignal<bool>,
    basis: EditBasis,
    /// How often the form has begun anew.
    round: RwSignal<u32>,
}

impl Draft {
    /// A form that counts as being written from the first key or choice on ([`Draft::touch`]) until the server accepts
    /// it, and begins anew then, unless its writer has gone on.
    pub fn new<F>(room: Room, action: FormAction<F>, form: Form) -> Self
    where
        F: ServerFn<Output = Incident, Error = Error> + 'static,
    {
        Self::of(room, action, form, None, move || form.reset_after_submit())
    }

    /// A form that knows itself whether something is being written, and what to do once the server has accepted it:
    /// whether it begins anew then.
    pub fn of<F>(
        room: Room,
        action: FormAction<F>,
        form: Form,
        is_writing: Option<Signal<bool>>,
        accepted: impl Fn() -> bool + 'static,
    ) -> Self
    where
        F: ServerFn<Output = Incident, Error = Error> + 'static,
    {
        let is_touched = RwSignal::new(form.is_typed());
        let is_writing = is_writing.unwrap_or_else(|| is_touched.into());
        let live = Signal::derive(move || room.incident.with(|incident| incident.version));
        let basis = EditBasis::new(form, live, is_writing);
        let round = RwSignal::new(0);
        let draft = Self { room, is_writing, is_touched, basis, round };
        room.follow(action, move |version| {
            if accepted() {
                is_touched.set(false);
                round.update(|round| *round += 1);
            } else {
                basis.rebase_on(version);
            }
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
}

/// What each of a room's forms begins with: unseen, what it is about and which version of it; then what others have
/// changed meanwhile, or why the server refused it.
#[component]
pub fn DraftHead(
    /// The form.
    draft: Draft,
) -> impl IntoView {
    let Draft { room, basis, .. } = draft;
    let author = move || room.incident.with(|incident| incident.latest().map(|update| update.created_by));
    view! {
        <EditHead basis id=room.id.to_string() noun=Signal::derive(move || room.noun())>
            <p>
                "The newest update is" {move || author().map(|author| format!(", by {}", room.name_of(author)))} ":"
            </p>
            <LatestUpdate incident=room.incident zone=room.zone />
        </EditHead>
    }
}
