//! Header and footer of the public pages.

use leptos::prelude::*;

use crate::{
    app::{
        components::{status::LiveMark, time::ZoneChoice},
        live::Connection,
    },
    model::{Slug, Zone},
};

/// Header and footer around the content. The header links to the status page, except there.
#[component]
pub fn Frame(
    /// The organization's name.
    #[prop(into)]
    name: Signal<String>,
    /// The organization's slug.
    slug: Slug,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
    /// The state of the live feed.
    #[prop(optional)]
    connection: Option<Signal<Connection>>,
    /// Whether this is the status page itself.
    #[prop(optional)]
    is_home: bool,
    /// The page's `main` and its live regions.
    children: Children,
) -> impl IntoView {
    let home = format!("/public/{slug}");
    let brand = move || {
        view! {
            <span class="initial" aria-hidden="true">
                {move || initial(&name.read())}
            </span>
            <bdi>{name}</bdi>
        }
    };
    let brand = if is_home {
        view! { <p class="brand">{brand()}</p> }.into_any()
    } else {
        view! {
            <a class="brand" href=home.clone()>
                {brand()}
                <span class="sr-only">" status"</span>
            </a>
        }
        .into_any()
    };
    view! {
        <div class="public">
            <header class="public-header">
                {brand} {connection.map(|connection| view! { <LiveMark connection /> })}
            </header>
            {children()}
            <footer class="public-footer">
                <p class="flex flex-wrap items-center gap-x-2 gap-y-1">
                    <ZoneChoice zone />
                </p>
                <ul>
                    <li>
                        <a href=format!("{home}/history")>"History"</a>
                    </li>
                    <li>
                        <a href=format!("/api{home}/status")>"Status as JSON"</a>
                    </li>
                    <li>
                        <a href="/api">"API"</a>
                    </li>
                </ul>
            </footer>
        </div>
    }
}

/// The initial shown for an organization.
fn initial(name: &str) -> String {
    name.chars()
        .find(|letter| letter.is_alphanumeric())
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_is_the_first_letter_or_digit_in_upper_case() {
        assert_eq!([initial("acme"), initial("«éclair»"), initial("…")], ["A", "É", ""]);
    }
}
