//! The choices of a member's role.

use leptos::prelude::*;

use crate::model::Role;

/// The roles as values and labels of a [`Select`](super::field::Select).
pub fn role_choices() -> Signal<Vec<(String, String)>> {
    Signal::stored(Role::ALL.iter().map(|role| (role.to_string(), role.label().to_owned())).collect())
}
