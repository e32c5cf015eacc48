//! The start page for visitors.

use leptos::prelude::*;

use crate::app::{pages::layout::page::LonePage, session::is_registration_open};

/// Introduces Aldis, with links to the login and, if open, registration.
#[component]
pub fn Welcome() -> impl IntoView {
    let is_open = is_registration_open();
    view! {
        <LonePage title="Tell your users what works, live">
            <p class="lead">
                "Aldis is a status page for your team. Change a service’s status and everyone looking at your page sees it within a second."
            </p>
            <p class="actions">
                {is_open
                    .then(|| {
                        view! {
                            <a class="button button-primary" href="/register">
                                "Create organization"
                            </a>
                        }
                    })}
                <a class=if is_open { "button" } else { "button button-primary" } href="/login">
                    "Log in"
                </a>
            </p>
            <ul class="facts">
                <li>
                    <h2>"Clear at a glance"</h2>
                    <p>"Visitors see the overall status first, with or without JavaScript, on any device."</p>
                </li>
                <li>
                    <h2>"Live updates"</h2>
                    <p>"Changes appear without a reload. After a lost connection, the page catches up."</p>
                </li>
                <li>
                    <h2>"Yours"</h2>
                    <p>
                        "Open source, one file to run, and "<a href="/api" rel="external">
                            "a documented API"
                        </a>"."
                    </p>
                </li>
            </ul>
        </LonePage>
    }
}
