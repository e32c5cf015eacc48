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
        <Title text=window_title(title) />
        <div class="mb-5 flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-2">
            <h1 dir="auto">{title}</h1>
            <div class="flex flex-wrap gap-2">{actions.run()}</div>
        </div>
        {children()}
    }
}

/// The window's title. It is read after the page has been drawn, when the page's signals may be gone already, so it
/// remembers the name; and the server writes it as it is, so nothing in it may begin or end an element.
fn window_title(name: Signal<String>) -> impl Fn() -> String + Clone + Send + Sync + 'static {
    let first = name.get_untracked();
    move || without_markup(&name.try_get().unwrap_or_else(|| first.clone()))
}

/// A name with look-alikes for the characters that HTML reads as its own.
fn without_markup(name: &str) -> String {
    name.replace('<', "‹").replace('>', "›")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_title() {
        assert_eq!(without_markup("</title><script>"), "‹/title›‹script›");
        assert_eq!(without_markup("R & D"), "R & D");
    }
}
