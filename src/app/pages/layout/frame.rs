//! The frame of the members' pages: organization, navigation, live indicator, user menu.

use leptos::prelude::*;
use leptos_router::{
    components::{A, Outlet},
    hooks::use_location,
};

use super::{
    page::LonePage,
    switcher::{Organizations, Switcher},
};
use crate::{
    app::{
        components::{icon::Icon, notices::NoticeCorner, status::LiveMark},
        dashboard_state::DashboardState,
        pages::sign_in::login::LogoutButton,
        session::use_account,
        shortcuts::{Sheet, SheetButton, Shortcuts},
    },
    model::Account,
};

/// The frame, or a link to the login for visitors who are not signed in.
#[component]
pub fn Frame() -> impl IntoView {
    match use_account() {
        Some(account) => view! { <MemberFrame account /> }.into_any(),
        None => view! {
            <LonePage title="Please log in">
                <p>"Only members of an organization can see this page."</p>
                <p>
                    <a class="button button-primary" href="/login" rel="external">
                        "Log in"
                    </a>
                </p>
            </LonePage>
        }
        .into_any(),
    }
}

#[component]
fn MemberFrame(account: Account) -> impl IntoView {
    let board = DashboardState::open(&account);
    provide_context(board);
    let user = account.user.clone();
    let sheet = Sheet::new();
    let (organizations, here) = (Organizations::load(), account.organization.id);
    view! {
        <div class="frame">
            <header class="sidebar">
                <p class="brand" dir="auto">
                    {organization_name(board, &account)}
                </p>
                <div class="wide-only">
                    <Switcher organizations here />
                </div>
                <nav class="wide-only" aria-label="Pages">
                    <NavigationLinks board />
                </nav>
                <LiveMark connection=board.connection />
                <div class="wide-only">
                    <UserMenu sheet name=user.name.clone() email=user.email.to_string() />
                </div>
                <MobileMenu board sheet name=user.name email=user.email.to_string()>
                    <Switcher organizations here />
                </MobileMenu>
            </header>
            <main id="main">
                <Outlet />
            </main>
            <NoticeCorner notices=board.notices />
            <Shortcuts sheet />
        </div>
    }
}

/// The organization's current name.
fn organization_name(board: DashboardState, account: &Account) -> impl IntoView + use<> {
    let first = account.organization.name.clone();
    let name = Memo::new(move |_| board.page().with(|page| page.organization.name.clone()));
    move || Some(name.get()).filter(|name| !name.is_empty()).unwrap_or_else(|| first.clone())
}

/// Links to the pages.
#[component]
fn NavigationLinks(board: DashboardState) -> impl IntoView {
    let slug = Memo::new(move |_| board.page().with(|page| page.organization.slug.clone()));
    let open = Memo::new(move |_| board.page().with(|page| page.open_incidents().count()));
    let open_count = move || Some(open.get()).filter(|open| *open > 0);
    view! {
        <ul class="links">
            <li>
                <A href="/dashboard">"Overview"</A>
            </li>
            <li>
                <A href="/incidents" attr:aria-label=move || open_count().map(|open| format!("Incidents, {open} open"))>
                    "Incidents"
                    {move || open_count().map(|open| view! { <span class="count" aria-hidden="true">{open}</span> })}
                </A>
            </li>
            <li>
                <A href="/maintenances">"Maintenance"</A>
            </li>
            <li>
                <A href="/services">"Services"</A>
            </li>
            <li>
                <A href="/team">"Team"</A>
            </li>
            <li>
                <A href="/settings">"Settings"</A>
            </li>
            <li>
                <a href=move || format!("/public/{}", slug.get()) rel="external">
                    "View page"
                    {Icon::Away.draw()}
                </a>
            </li>
        </ul>
    }
}

#[component]
fn UserMenu(sheet: Sheet, name: String, email: String) -> impl IntoView {
    view! {
        <div class="person">
            <p dir="auto">{name}</p>
            <p class="meta">{email}</p>
            <p class="meta">
                <A href="/account">"Your account"</A>
            </p>
            <SheetButton sheet />
            <LogoutButton />
        </div>
    }
}

/// The collapsed navigation of small screens; closes on navigation.
#[component]
fn MobileMenu(board: DashboardState, sheet: Sheet, name: String, email: String, children: Children) -> impl IntoView {
    let details = NodeRef::<leptos::html::Details>::new();
    let path = use_location().pathname;
    Effect::new(move |_| {
        path.track();
        if let Some(details) = details.get_untracked() {
            details.set_open(false);
        }
    });
    view! {
        <details class="menu narrow-only" node_ref=details>
            <summary>{Icon::Menu.draw()} "Menu"</summary>
            <div class="menu-sheet">
                <nav aria-label="Pages">
                    <NavigationLinks board />
                </nav>
                {children()}
                <UserMenu sheet name email />
            </div>
        </details>
    }
}
