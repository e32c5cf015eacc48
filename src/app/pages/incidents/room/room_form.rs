//! A room's forms with the version they are based on: concurrent changes are reported, and nothing typed is lost.

use leptos::{prelude::*, server_fn::ServerFn};

use super::state::Room;
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
pub struct RoomForm {
    room: Room,
    is_writing: Signal<bool>,
    /// Whether something was typed, for forms without a check of their own.
    is_touched: RwSignal<bool>,
    basis: EditBasis,
    /// Counts the resets of the form.
    round: RwSignal<u32>,
}

impl RoomForm {
    /// A form that is being edited from the first input ([`RoomForm::touch`]) until the server accepts it; it is reset
    /// then, unless the user has continued typing.
    pub fn new<F>(room: Room, action: FormAction<F>, form: Form) -> Self
    where
        F: ServerFn<Output = Incident, Error = Error> + 'static,
    {
        Self::of(room, action, form, None, move || form.reset_after_submit())
    }

    /// A form with its own check of whether it is being edited. `accepted` runs once the server has accepted it and
    /// returns whether the form was reset.
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
        let room_form = Self { room, is_writing, is_touched, basis, round };
        room.follow(action, move |version| {
            if accepted() {
                is_touched.set(false);
                round.update(|round| *round += 1);
            } else {
                basis.rebase_on(version);
            }
        });
        room_form
    }

    /// Marks the form as being edited.
    pub fn touch(self) {
        self.is_touched.set(true);
    }

    /// The initial values of the fields: follow `value` until the form is being edited.
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

/// The head of a room's form: hidden id and version, then concurrent changes or the server's refusal.
#[component]
pub fn RoomFormHead(
    /// The form.
    room_form: RoomForm,
) -> impl IntoView {
    let RoomForm { room, basis, .. } = room_form;
    let author = move || room.incident.with(|incident| incident.latest().map(|update| update.created_by));
    view! {
        <EditHead basis id=room.id.to_string() noun=Signal::derive(move || room.noun())>
            <p>
                "Latest update" {move || author().map(|author| format!(", by {}", room.name_of(author)))} ":"
            </p>
            <LatestUpdate incident=room.incident zone=room.zone />
        </EditHead>
    }
}
