//! What a team's pages share: the organization's services, live, with the changes under way laid over them.

use std::collections::BTreeMap;

use leptos::{prelude::*, task::spawn_local};

use super::{
    components::notices::Notices,
    live::{self, Connection},
    server_fns,
};
use crate::model::{
    Account, Code, Error, PublicOrganization, Result, Service, ServiceId, ServiceStatus, StatusPage, Timestamp, Zone,
};

/// The services as the server has them, and as they are shown while a change is on its way.
#[derive(Clone, Copy)]
pub struct DashboardState {
    answer: Resource<Result<StatusPage>>,
    page: RwSignal<StatusPage>,
    is_loaded: RwSignal<bool>,
    wanted: RwSignal<BTreeMap<ServiceId, ServiceStatus>>,
    shown: Memo<StatusPage>,
    /// How the line to the server is.
    pub connection: Signal<Connection>,
    /// What went wrong outside a form.
    pub notices: Notices,
}

impl DashboardState {
    /// Begins to load the organization's services, and to follow them once they are there.
    pub fn open(account: &Account) -> Self {
        let page = RwSignal::new(empty_page(account));
        let is_loaded = RwSignal::new(false);
        let wanted = RwSignal::new(BTreeMap::new());
        Self {
            answer: Resource::new_blocking(|| (), |()| server_fns::board()),
            page,
            is_loaded,
            wanted,
            shown: Memo::new(move |_| wanted.with(|wanted| page.with(|page| overlaid(page, wanted)))),
            connection: live::connect("/api/live".to_owned(), page, is_loaded.into(), fetch),
            notices: Notices::new(),
        }
    }

    /// The answer to the first load; reading it suspends.
    fn answer(self) -> Option<Result<()>> {
        Some(self.answer.get()?.map(|first| {
            if self.is_loaded.get_untracked() {
                self.page.maybe_update(|page| live::renew(page, first));
            } else {
                // What stands there is no state to compare with: an organization without events has the number 0 too.
                self.page.set(first);
                self.is_loaded.set(true);
            }
        }))
    }

    /// The services, with the changes under way.
    pub fn page(self) -> Signal<StatusPage> {
        self.shown.into()
    }

    /// Sets a service's status: at once on the screen, and back with a notice when the server refuses. Choices made
    /// while an answer is awaited are sent after it, so that the last one wins.
    pub fn set_status(self, id: ServiceId, status: ServiceStatus) {
        let is_under_way = self.wanted.try_update(|wanted| wanted.insert(id, status).is_some());
        if is_under_way == Some(false) {
            spawn_local(async move {
                while let Some(status) = self.wanted.with_untracked(|wanted| wanted.get(&id).copied()) {
                    self.settle(id, status, server_fns::set_service_status(id.to_string(), status.to_string()).await);
                }
            });
        }
    }

    fn settle(self, id: ServiceId, sent: ServiceStatus, answer: Result<Service>) {
        let is_refused = answer.is_err();
        match answer {
            Ok(service) => self.put_known(service),
            Err(error) => self.tell(id, &error),
        }
        self.wanted.update(|wanted| {
            if is_refused || wanted.get(&id) == Some(&sent) {
                wanted.remove(&id);
            }
        });
    }

    fn tell(self, id: ServiceId, error: &Error) {
        if error.code == Code::Unauthorized {
            live::log_in_again();
        }
        let name = self.page.with_untracked(|page| page.service(id).map(|service| service.name.clone()));
        let name = name.unwrap_or_else(|| "the service".to_owned());
        self.notices.add(format!("The status of {name} was not changed. {}", error.message));
    }

    /// Puts what the server answered in its place, before the line tells of it.
    pub fn put(self, service: Service) {
        self.page.update(|page| page.put(service));
    }

    /// As [`DashboardState::put`], for a service that was there before: when its deletion was faster, it stays away.
    pub fn put_known(self, service: Service) {
        self.page.update(|page| page.put_known(service));
    }

    /// Does something that the server answers by nothing, shows how things are after it, and goes on with `then`. A
    /// refusal becomes a notice.
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
            self.page.maybe_update(|page| live::renew(page, fresh));
        }
    }
}

/// The team pages' board. Every page inside the frame has one.
pub fn use_board() -> Option<DashboardState> {
    use_context()
}

/// Shows its children once the board is there, a quiet skeleton before, and a sentence when it cannot be had.
#[component]
pub fn WhenLoaded<C, V>(
    /// Draws the page with the board.
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
            Err(error) => view! { <Trouble error /> }.into_any(),
        })
    };
    view! { <Transition fallback=Skeleton>{content.clone()}</Transition> }.into_any()
}

/// Grey bars where rows will be, so that nothing jumps when they come.
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

/// Says why a page cannot be shown and what to do.
#[component]
pub fn Trouble(
    /// What the server said.
    error: Error,
) -> impl IntoView {
    let way_out = if error.code == Code::Unauthorized { ("/login", "Log in") } else { ("", "Try again") };
    view! {
        <div class="empty" role="alert">
            <p>{error.message}</p>
            <p>
                <a class="button" href=way_out.0 rel="external">
                    {way_out.1}
                </a>
            </p>
        </div>
    }
}

async fn fetch() -> Option<StatusPage> {
    server_fns::board().await.ok()
}

fn overlaid(page: &StatusPage, wanted: &BTreeMap<ServiceId, ServiceStatus>) -> StatusPage {
    let mut page = page.clone();
    for service in &mut page.services {
        service.status = wanted.get(&service.id).copied().unwrap_or(service.status);
    }
    page
}

fn empty_page(account: &Account) -> StatusPage {
    let organization = &account.organization;
    StatusPage {
        seq: 0,
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
    }
}
