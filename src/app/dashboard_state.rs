//! State shared by the members' pages: the organization's live page with pending status changes applied.

use std::collections::BTreeMap;

use leptos::{prelude::*, task::spawn_local};

use super::{
    components::notices::Notices,
    live::{self, Connection},
    server_fns,
};
use crate::app::resource::{Resource, blocking_resource};
use crate::model::{
    Account, Code, Error, Incident, PublicOrganization, Result, Service, ServiceId, ServiceStatus, StatusPage,
    Timestamp, Zone,
};

/// The organization's page as the server has it, and with pending changes; called `board` in pages.
#[derive(Clone, Copy)]
pub struct DashboardState {
    answer: Resource<Result<StatusPage>>,
    page: RwSignal<StatusPage>,
    is_loaded: RwSignal<bool>,
    pending: RwSignal<BTreeMap<ServiceId, ServiceStatus>>,
    with_pending: Memo<StatusPage>,
    /// The state of the live feed.
    pub connection: Signal<Connection>,
    /// Errors of actions outside forms.
    pub notices: Notices,
}

impl DashboardState {
    /// Starts loading the page, and follows the live feed once it is loaded.
    pub fn open(account: &Account) -> Self {
        let page = RwSignal::new(empty_page(account));
        let is_loaded = RwSignal::new(false);
        let pending = RwSignal::new(BTreeMap::new());
        Self {
            answer: blocking_resource(|| (), |()| server_fns::board()),
            page,
            is_loaded,
            pending,
            with_pending: Memo::new(move |_| pending.with(|pending| page.with(|page| apply_pending(page, pending)))),
            connection: live::connect("/api/live".to_owned(), page, is_loaded.into(), fetch),
            notices: Notices::new(),
        }
    }

    /// The result of the first load; suspends until then.
    fn answer(self) -> Option<Result<()>> {
        Some(self.answer.get()?.map(|first| {
            if self.is_loaded.get_untracked() {
                self.page.maybe_update(|page| live::replace_if_newer(page, first));
            } else {
                // The placeholder is always replaced: an organization without events has number 0, too.
                self.page.set(first);
                self.is_loaded.set(true);
            }
        }))
    }

    /// The page with pending changes.
    pub fn page(self) -> Signal<StatusPage> {
        self.with_pending.into()
    }

    /// Sets a service's status, optimistically: a refusal reverts it and adds a notice. Changes made while a request is
    /// pending are sent after it, so that the last one wins.
    pub fn set_status(self, id: ServiceId, status: ServiceStatus) {
        let is_sending = self.pending.try_update(|pending| pending.insert(id, status).is_some());
        if is_sending == Some(false) {
            spawn_local(async move {
                while let Some(status) = self.pending.with_untracked(|pending| pending.get(&id).copied()) {
                    self.finish_change(
                        id,
                        status,
                        server_fns::set_service_status(id.to_string(), status.to_string()).await,
                    );
                }
            });
        }
    }

    fn finish_change(self, id: ServiceId, sent: ServiceStatus, answer: Result<Service>) {
        let is_refused = answer.is_err();
        match answer {
            Ok(service) => self.put_known(service),
            Err(error) => self.report_failure(id, &error),
        }
        self.pending.update(|pending| {
            if is_refused || pending.get(&id) == Some(&sent) {
                pending.remove(&id);
            }
        });
    }

    fn report_failure(self, id: ServiceId, error: &Error) {
        if error.code == Code::Unauthorized {
            live::log_in_again();
        }
        let name = self.page.with_untracked(|page| page.service(id).map(|service| service.name.clone()));
        let name = name.unwrap_or_else(|| "the service".to_owned());
        self.notices.add(format!("The status of {name} was not changed. {}", error.message));
    }

    /// Shows a service from an answer before the live feed delivers it.
    pub fn put(self, service: Service) {
        self.page.update(|page| page.put(service));
    }

    /// As [`DashboardState::put`], but ignores a service that has been deleted in the meantime.
    pub fn put_known(self, service: Service) {
        self.page.update(|page| page.put_known(service));
    }

    /// Follows an incident that is too old to be on the page.
    pub fn follow(self, incident: Incident) {
        self.page.update(|page| page.put_incident(incident));
    }

    /// Runs `work`, refreshes the page, or adds a notice if it fails, and calls `then`.
    pub fn change(self, work: impl Future<Output = Result<()>> + 'static, then: impl FnOnce() + 'static) {
        spawn_local(async move {
            match work.await {
                Ok(()) => self.refresh().await,
                Err(error) => self.notices.add(error.message),
            }
            then();
        });
    }

    /// Loads the whole state.
    pub async fn refresh(self) {
        if let Some(fresh) = fetch().await {
            self.page.maybe_update(|page| live::replace_if_newer(page, fresh));
        }
    }
}

/// The dashboard state, provided by the members' frame.
pub fn use_board() -> Option<DashboardState> {
    use_context()
}

/// Renders its children once the page is loaded; a skeleton before, an error if loading fails.
#[component]
pub fn WhenLoaded<C, V>(
    /// Renders the page.
    children: C,
) -> impl IntoView
where
    C: Fn(DashboardState) -> V + Clone + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let Some(board) = use_board() else { return ().into_any() };
    let content = move || {
        board.answer().map(|answer| match answer {
            Ok(()) => children(board).into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! { <Transition fallback=Skeleton>{content.clone()}</Transition> }.into_any()
}

/// Placeholder rows that prevent layout shift.
#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            <div></div>
            <div></div>
            <div></div>
        </div>
    }
}

/// Why a page or section cannot be shown, with a link to retry or to log in.
#[component]
pub fn LoadError(
    /// The server's error.
    error: Error,
) -> impl IntoView {
    let (href, label) = if error.code == Code::Unauthorized { ("/login", "Log in") } else { ("", "Try again") };
    view! {
        <div class="empty" role="alert">
            <p>{error.message}</p>
            <p>
                <a class="button" href=href rel="external">
                    {label}
                </a>
            </p>
        </div>
    }
}

async fn fetch() -> Option<StatusPage> {
    server_fns::board().await.ok()
}

fn apply_pending(page: &StatusPage, pending: &BTreeMap<ServiceId, ServiceStatus>) -> StatusPage {
    let mut page = page.clone();
    for service in &mut page.services {
        service.status = pending.get(&service.id).copied().unwrap_or(service.status);
    }
    page
}

fn empty_page(account: &Account) -> StatusPage {
    let organization = &account.organization;
    StatusPage {
        seq: 0,
        epoch: 0,
        organization: PublicOrganization {
            id: organization.id,
            name: organization.name.clone(),
            slug: organization.slug.clone(),
            time_zone: "UTC".to_owned(),
        },
        zone: Zone::utc(),
        today: Timestamp::EPOCH,
        groups: Vec::new(),
        services: Vec::new(),
        incidents: Vec::new(),
        cut_at: None,
        outage: None,
        part: None,
    }
}
