//! The overview: how everything is, and a control for each service.

use leptos::prelude::*;

use super::{page::Page, status_control::StatusControl};
use crate::{
    app::{
        board::{Board, WhenLoaded, use_board},
        components::{
            icon::Icon,
            sections::{Section, Sections},
            status::{Banner, worst},
            time::Time,
        },
    },
    model::{Service, StatusPage},
};

/// The members' first page.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <Page title="Overview" actions=view_page>
            <WhenLoaded let:board>
                <Content board />
            </WhenLoaded>
        </Page>
    }
}

fn view_page() -> impl IntoView {
    use_board().map(|board| {
        let slug = board.page().with_untracked(|page| page.organization.slug.clone());
        view! {
            <a class="button" href=format!("/public/{slug}") rel="external">
                "View page"
                {Icon::Away.draw()}
            </a>
        }
    })
}

#[component]
fn Content(board: Board) -> impl IntoView {
    let page = board.page();
    let is_empty = Memo::new(move |_| page.with(|page| page.services.is_empty()));
    let draw = move || {
        view! {
            <Summary page />
            <Sections page section=group row=move |service| row(board, service) />
        }
    };
    view! {
        <Show when=move || !is_empty.get() fallback=Beginning>
            {draw()}
        </Show>
    }
}

/// The headline, tinted by the worst service.
#[component]
fn Summary(page: Signal<StatusPage>) -> impl IntoView {
    let headline = Memo::new(move |_| page.with(|page| page.headline().description));
    let worst = Memo::new(move |_| page.with(|page| worst(page.services.iter().map(|service| service.status))));
    let since = Memo::new(move |_| page.with(StatusPage::since));
    view! {
        <Banner worst since>
            <p class="headline" aria-live="polite">
                {headline}
            </p>
        </Banner>
    }
}

fn group(section: Section) -> AnyView {
    let Section { group, size, rows } = section;
    view! {
        <section class="group">
            {match group {
                Some(group) => view! { <h2 dir="auto">{move || group.get().name}</h2> }.into_any(),
                None => view! { <h2>"Services"</h2> }.into_any(),
            }}
            <ul class="card rows" hidden=move || size.get() == 0>
                {rows}
            </ul>
            <p class="hint" hidden=move || size.get() != 0>
                "No services in this group. Visitors do not see it."
            </p>
        </section>
    }
    .into_any()
}

fn row(board: Board, service: Signal<Service>) -> AnyView {
    let id = service.with_untracked(|service| service.id);
    view! {
        <li class="row">
            <a class="row-name" href=format!("/services/{id}") dir="auto">
                {move || service.get().name}
            </a>
            <StatusControl board service />
            <p class="row-time meta">
                <span class="sr-only">"Since "</span>
                <Time at=Signal::derive(move || service.get().status_since) />
            </p>
        </li>
    }
    .into_any()
}

/// The first step, while there is nothing to watch over.
#[component]
fn Beginning() -> impl IntoView {
    view! {
        <div class="empty">
            <h2>"No services yet"</h2>
            <p>"A service is something your users depend on, such as an API or a shop. Your page lists them all."</p>
            <p>
                <a class="button button-primary" href="/services">
                    "Add your first service"
                </a>
            </p>
        </div>
    }
}
