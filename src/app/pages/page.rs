//! The two shapes of a page: inside the team's frame, and alone in the middle of the window.

use leptos::prelude::*;
use leptos_meta::Title;

/// A page inside the frame: its title, heading, what one can do there, and its content.
#[component]
pub fn Page(
    /// Its name, in the heading and in the window's title.
    #[prop(into)]
    title: Signal<String>,
    /// What stands beside the heading.
    #[prop(optional, into)]
    actions: ViewFn,
    /// Its content.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=move || title.get() />
        <div class="page-head">
            <h1 dir="auto">{title}</h1>
            <div class="page-actions">{actions.run()}</div>
        </div>
        {children()}
    }
}

/// A page outside the frame: one narrow column with the product's name above.
#[component]
pub fn LonePage(
    /// Its name, in the heading and in the window's title.
    title: &'static str,
    /// Its content.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title />
        <header class="lone-header">
            <a class="brand" href="/">
                "Aldis"
            </a>
        </header>
        <main id="main" class="lone">
            <h1>{title}</h1>
            {children()}
        </main>
    }
}
