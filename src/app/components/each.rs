//! Keyed lists.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::Arc,
};

use leptos::prelude::*;

/// One entry: the hash of its key, and its view.
struct Entry {
    key: u64,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Leptos's `For`, compiled once for all lists instead of once per list, which makes the client smaller.
/// An entry is drawn once per key and follows its signals from then on.
#[component]
pub fn Each<T, List, Key, View>(
    /// The items.
    each: impl Fn() -> List + Send + Sync + 'static,
    /// The key of an item.
    key: impl Fn(&T) -> Key + Send + Sync + 'static,
    /// Draws an item.
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
