//! Lists whose entries keep their elements while they move.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::Arc,
};

use leptos::prelude::*;

/// One entry: what it is told by, and how it is drawn.
struct Entry {
    key: u64,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// As Leptos's `For`, of which every list would otherwise have one of its own in the client: this is one for all of them.
/// An entry is drawn once and then follows what it is made of by itself.
#[component]
pub fn Each<T, List, Key, View>(
    /// What is in the list.
    each: impl Fn() -> List + Send + Sync + 'static,
    /// What tells one entry from the others.
    key: impl Fn(&T) -> Key + Send + Sync + 'static,
    /// How an entry is drawn.
    children: impl Fn(T) -> View + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    List: IntoIterator<Item = T>,
    Key: Hash,
    View: IntoView + 'static,
{
    let children = Arc::new(children);
    list(Box::new(move || {
        let entry = |item| {
            let children = Arc::clone(&children);
            let key = BuildHasherDefault::<DefaultHasher>::default().hash_one(key(&item));
            Entry { key, draw: Box::new(move || children(item).into_any()) }
        };
        each().into_iter().map(entry).collect()
    }))
}

fn list(each: Box<dyn Fn() -> Vec<Entry> + Send + Sync>) -> AnyView {
    view! { <For each key=|entry| entry.key children=|entry: Entry| (entry.draw)() /> }.into_any()
}
