//! Page layouts: inside the members' frame, and standalone.

use leptos::prelude::*;
use leptos_meta::Title;

/// A page inside the frame: title, heading, actions and content.
#[component]
pub fn Page(
    /// Shown in the heading and the document title.
    #[prop(into)]
    title: Signal<String>,
    /// Shown beside the heading.
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

/// The document title. It may be read after the page's signals are disposed, so it keeps a copy of the name; the server
/// writes it unescaped, so it must not contain markup.
fn window_title(name: Signal<String>) -> impl Fn() -> String + Clone + Send + Sync + 'static {
    let first = name.get_untracked();
    move || without_markup(&name.try_get().unwrap_or_else(|| first.clone()))
}

/// Replaces `<` and `>` with look-alikes.
fn without_markup(name: &str) -> String {
    name.replace('<', "‹").replace('>', "›")
}

/// A standalone page: one narrow column under the product's name.
#[component]
pub fn LonePage(
    /// Shown in the heading and the document title.
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
