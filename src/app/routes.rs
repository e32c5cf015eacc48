//! The routes of the team's application.

use leptos::{prelude::*, server_fn::redirect::set_redirect_hook};
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    hooks::use_location,
    path,
};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    components::time::provide_clock,
    pages::{
        account::{new_organization::NewOrganizationPage, second_factor::SecondFactorPage, settings::AccountPage},
        dashboard::overview::Overview,
        incidents::{
            backfill::Backfill, list::IncidentsPage, new::NewIncident, room::IncidentRoomPage, templates::TemplatesPage,
        },
        layout::{frame::Frame, not_found::NotFound},
        maintenance::{list::MaintenancesPage, new::NewMaintenance},
        services::{list::ServicesPage, service::ServicePage},
        settings::{audit::AuditLog, page::Settings, team::TeamPage},
        sign_in::{
            confirm::{ConfirmPage, LoginCodePage},
            forgotten_password::{ForgotPasswordPage, ResetPasswordPage},
            invite::InvitePage,
            login::{LoginPage, LogoutPage, RegisterPage},
            welcome::Welcome,
        },
    },
    session,
};

/// The team's application.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    session::provide_request_context();
    provide_clock();
    // The session may change with a redirect, so it loads a new document. Set before the router sets its own hook.
    _ = set_redirect_hook(|path| _ = location().set_href(path));
    view! {
        <Title formatter=|title: String| format!("{title} · Aldis") />
        <a class="skip-link" href="#main" rel="external">
            "Skip to content"
        </a>
        <Router>
            <FocusOnNavigation />
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Welcome ssr=SsrMode::Async />
                <Route path=path!("/login/code") view=LoginCodePage ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=ForgotPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/reset-password/:token") view=ResetPasswordPage ssr=SsrMode::Async />
                <Route path=path!("/confirm") view=ConfirmPage ssr=SsrMode::Async />
                <Route path=path!("/register") view=RegisterPage ssr=SsrMode::Async />
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/logout") view=LogoutPage ssr=SsrMode::Async />
                <Route path=path!("/invite/:token") view=InvitePage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("/dashboard") view=Overview ssr=SsrMode::Async />
                    <Route path=path!("/incidents") view=IncidentsPage ssr=SsrMode::Async />
                    <Route path=path!("/incidents/new") view=NewIncident ssr=SsrMode::Async />
                    <Route path=path!("/incidents/past") view=Backfill ssr=SsrMode::Async />
                    <Route path=path!("/incidents/templates") view=TemplatesPage ssr=SsrMode::Async />
                    <Route path=path!("/maintenances") view=MaintenancesPage ssr=SsrMode::Async />
                    <Route path=path!("/maintenances/new") view=NewMaintenance ssr=SsrMode::Async />
                    <Route path=path!("/services") view=ServicesPage ssr=SsrMode::Async />
                    <Route path=path!("/services/:id") view=ServicePage ssr=SsrMode::Async />
                    // After the other pages below `/incidents`.
                    <Route path=path!("/incidents/:id") view=IncidentRoomPage ssr=SsrMode::Async />
                    <Route path=path!("/team") view=TeamPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                    <Route path=path!("/account/new-organization") view=NewOrganizationPage ssr=SsrMode::Async />
                    <Route path=path!("/account/second-factor") view=SecondFactorPage ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=Settings ssr=SsrMode::Async />
                    <Route path=path!("/settings/audit") view=AuditLog ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Moves focus to the heading after navigation, for keyboard and screen reader users.
#[component]
fn FocusOnNavigation() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            request_animation_frame(focus_heading);
        }
        path
    });
}

fn focus_heading() {
    let heading = document().query_selector("main h1").ok().flatten();
    let target = heading.or_else(|| document().get_element_by_id("main"));
    if let Some(target) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
        // Focusable by script, but not in the tab order.
        target.set_tab_index(-1);
        _ = target.focus();
    }
}
