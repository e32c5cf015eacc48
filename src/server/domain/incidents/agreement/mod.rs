//! Property tests: after any sequence of changes, statuses, recorded changes, headline and replayed events agree with a
//! simple independent model, and each preview with the page after posting.
//!
//! `ALDIS_TEST_CASES` sets the number of sequences.

mod model;
mod previews;

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use sea_orm::QueryOrder;

use self::model::{INCIDENT_STATUSES, MAINTENANCE_STATUSES, Model, ModelIncident, SEVERITY, has_ended, may_become};
use super::{
    super::{
        Caller, Clock, Credential, Domain, Feed, Member, Next, Principal, Viewer, Visitor, new_id, store::status_change,
    },
    LeaseHolder,
};
use crate::{
    model::{
        Applied, Audience, Cause, Event, Frame, Impact, Incident, IncidentId, IncidentKind, IncidentPatch,
        IncidentStatus, NewIncident, NewService, NewUpdate, Registration, ServiceId, ServiceImpact, ServicePatch,
        ServiceStatus, Slug, StatusPage, Timestamp,
    },
    server::{
        domain::identity::{registration::insert_account, sessions::insert_session},
        live::relay::Relay,
    },
};

const SERVICES: usize = 4;
const START: &str = "2026-11-23T01:00:00Z";

/// Service impacts, by the index of the service.
type Map = Vec<(usize, ServiceStatus)>;

#[derive(Clone, Debug)]
enum Step {
    Open { status: IncidentStatus, map: Map, is_draft: bool },
    Plan { start: i64, length: i64, map: Map },
    Update { which: usize, status: usize, map: Map },
    Detach { which: usize, service: usize },
    DropUpdate { which: usize },
    Publish { which: usize },
    Delete { which: usize },
    Baseline { service: usize, status: ServiceStatus },
    DeleteService { service: usize },
    Pass { minutes: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let map = || {
        prop::collection::btree_map(0..SERVICES, select(SEVERITY), 0..SERVICES)
            .prop_map(|map| map.into_iter().collect::<Map>())
    };
    let step = prop_oneof![
        3 => (select(INCIDENT_STATUSES), map(), prop::bool::weighted(0.15))
            .prop_map(|(status, map, is_draft)| Step::Open { status, map, is_draft }),
        2 => (-20_i64..90, 1_i64..120, map()).prop_map(|(start, length, map)| Step::Plan { start, length, map }),
        5 => (0_usize..6, 0_usize..5, map()).prop_map(|(which, status, map)| Step::Update { which, status, map }),
        1 => (0_usize..6, 0..SERVICES).prop_map(|(which, service)| Step::Detach { which, service }),
        1 => (0_usize..6).prop_map(|which| Step::DropUpdate { which }),
        1 => (0_usize..6).prop_map(|which| Step::Publish { which }),
        1 => (0_usize..6).prop_map(|which| Step::Delete { which }),
        3 => (0..SERVICES, select(SEVERITY)).prop_map(|(service, status)| Step::Baseline { service, status }),
        1 => (0..SERVICES).prop_map(|service| Step::DeleteService { service }),
        3 => (1_i64..80).prop_map(|minutes| Step::Pass { minutes }),
    ];
    prop::collection::vec(step, 1..14)
}

/// The system under test and the model.
struct Pair {
    domain: Domain,
    member: Member,
    model: Model,
    services: Vec<ServiceId>,
    ids: Vec<IncidentId>,
    start: Timestamp,
    clock: Clock,
    /// The initial page of each audience, and the events since.
    feeds: [(Audience, StatusPage, Feed); 2],
}

impl Pair {
    async fn new(domain: &Domain, clock: &Clock) -> Self {
        let slug = Slug::unreserved(&format!("t{}", &new_id().simple().to_string()[8..])).expect("a slug");
        let registration = Registration {
            email: format!("{slug}@example.com").parse().expect("an address"),
            password: String::new(),
            name: "Ada".into(),
            organization_name: "Acme".into(),
            slug,
        };
        let (now, caller) = (clock.now(), Caller::default());
        let tx = domain.begin(None).await.expect("begun");
        let account = insert_account(&tx, &registration, "-".into(), now).await.expect("registered");
        let session = insert_session(&tx, account.clone(), now, now, &caller, true).await.expect("a session");
        tx.commit().await.expect("committed");
        let credential = Credential::Session { id: session.id, authenticated_at: now };
        let viewer = Viewer::new(domain.clone(), Principal { account, credential }, caller);
        let member = Member::of(viewer).expect("an admin");
        // The initial pages: every change has to arrive by events.
        let first = member.board().await.expect("a board");
        let visitor = Visitor::new(domain.clone(), member.organization());
        let first_public = visitor.page().await.expect("a page");
        let feeds = [
            (Audience::Members, first, member.feed(None, None).await.expect("a feed")),
            (Audience::Public, first_public, visitor.feed(None, None).await.expect("a feed")),
        ];
        let mut services = Vec::new();
        for n in 0..SERVICES {
            let new = NewService { name: format!("S{n}"), ..Default::default() };
            services.push(member.create_service(new, None).await.expect("created").0.id);
        }
        let mut model =
            Model { services: (0..SERVICES).map(|n| (n, ServiceStatus::Operational)).collect(), ..Default::default() };
        model.settle();
        let (domain, clock, start) = (domain.clone(), clock.clone(), clock.now());
        Self { domain, member, model, services, ids: Vec::new(), start, clock, feeds }
    }

    fn impacts(&self, map: &Map) -> Vec<ServiceImpact> {
        map.iter().map(|(n, status)| ServiceImpact { id: self.services[*n], status: *status }).collect()
    }

    /// The impacts on services that exist, or that the incident affects.
    fn possible(&self, which: Option<usize>, map: &Map) -> Map {
        let known = |n: &usize| {
            self.model.services.contains_key(n)
                || which.is_some_and(|which| self.model.incidents[which].map.contains_key(n))
        };
        map.iter().filter(|(n, _)| known(n)).copied().collect()
    }

    #[expect(clippy::too_many_lines, reason = "a table of steps, one after the other")]
    async fn take(&mut self, step: &Step) {
        self.model.now = self.clock.now().millis() - self.start.millis();
        let alive = |which: &usize| self.model.incidents.get(*which).is_some_and(|incident| !incident.is_deleted);
        match step {
            Step::Open { status, map, is_draft } => {
                let map = self.possible(None, map);
                let new = NewIncident {
                    title: "Trouble".into(),
                    status: Some(*status),
                    services: self.impacts(&map),
                    is_draft: *is_draft,
                    ..Default::default()
                };
                let (known, preview) = (self.ids.clone(), self.preview(None, ("Trouble", *status), &map, None).await);
                let opened = self.member.open_incident(new, None).await.expect("opened");
                self.assert_stored(&opened).await;
                self.ids.push(opened.id);
                if !is_draft {
                    self.assert_previewed(preview, &known).await;
                }
                // Opened as resolved, it affects no service.
                let left = |impact: ServiceStatus| if has_ended(*status) { ServiceStatus::Operational } else { impact };
                let map = map.into_iter().map(|(n, status)| (n, left(status))).collect();
                self.model.incidents.push(ModelIncident {
                    kind: IncidentKind::Incident,
                    is_draft: *is_draft,
                    is_deleted: false,
                    statuses: vec![*status],
                    map,
                    reached: Impact::None,
                    window: (0, 0),
                });
                self.model.settle();
            }
            Step::Plan { start, length, map } => {
                let map = self.possible(None, map);
                let window = (self.model.now + start * 60_000, self.model.now + (start + length) * 60_000);
                let new = NewIncident {
                    title: "Work".into(),
                    incident_type: IncidentKind::Maintenance,
                    services: self.impacts(&map),
                    starts_at: Some(self.start.plus_millis(window.0)),
                    ends_at: Some(self.start.plus_millis(window.1)),
                    ..Default::default()
                };
                let work = ("Work", IncidentStatus::Scheduled);
                let (known, preview) = (self.ids.clone(), self.preview(None, work, &map, Some(window)).await);
                let planned = self.member.open_incident(new, None).await;
                assert_eq!(planned.is_err(), window.1 <= self.model.now, "{planned:?}");
                let Ok(planned) = planned else { return };
                self.assert_previewed(preview, &known).await;
                self.assert_stored(&planned).await;
                self.ids.push(planned.id);
                self.model.incidents.push(ModelIncident {
                    kind: IncidentKind::Maintenance,
                    is_draft: false,
                    is_deleted: false,
                    statuses: vec![IncidentStatus::Scheduled],
                    map: map.into_iter().collect(),
                    reached: Impact::None,
                    // A start before the time of planning takes effect now.
                    window: (window.0.max(self.model.now), window.1),
                });
            }
            Step::Update { which, status, map } if alive(which) => {
                let map = self.possible(Some(*which), map);
                let incident = &self.model.incidents[*which];
                let statuses = match incident.kind {
                    IncidentKind::Incident => INCIDENT_STATUSES,
                    IncidentKind::Maintenance => MAINTENANCE_STATUSES,
                };
                let status = statuses[status % statuses.len()];
                // After the end no service is affected.
                let is_past = has_ended(incident.status()) && has_ended(status);
                let may = may_become(incident.status(), status)
                    && (!is_past || map.iter().all(|(_, impact)| *impact == ServiceStatus::Operational));
                let is_draft = incident.is_draft;
                let preview = self.preview(Some(*which), ("", status), &map, None).await;
                let update =
                    NewUpdate { status: Some(status), services: Some(self.impacts(&map)), ..Default::default() };
                let answer = self.member.post_update(self.ids[*which], update, None).await;
                assert_eq!(answer.is_ok(), may, "{answer:?}");
                if let Ok((incident, _)) = answer {
                    self.assert_stored(&incident).await;
                    self.model.post(*which, status, &map);
                    if !is_draft {
                        self.assert_previewed(preview, &self.ids).await;
                    }
                }
            }
            Step::Detach { which, service } if alive(which) => {
                let answer = self.member.detach_service(self.ids[*which], self.services[*service], None).await;
                assert_eq!(answer.is_ok(), self.model.incidents[*which].map.remove(service).is_some(), "{answer:?}");
                if let Ok(incident) = answer {
                    self.assert_stored(&incident).await;
                }
                self.model.settle();
            }
            Step::DropUpdate { which } if alive(which) => self.drop_update(*which).await,
            Step::Publish { which } if alive(which) => {
                let patch = IncidentPatch { is_draft: Some(false), ..Default::default() };
                let published = self.member.update_incident(self.ids[*which], patch).await.expect("published");
                self.assert_stored(&published).await;
                self.model.incidents[*which].is_draft = false;
                self.model.settle();
            }
            Step::Delete { which } if alive(which) => {
                self.member.delete_incident(self.ids[*which], None).await.expect("deleted");
                self.model.incidents[*which].is_deleted = true;
                self.model.settle();
            }
            Step::Baseline { service, status } => {
                let patch = ServicePatch::status(*status);
                let answer = self.member.update_service(self.services[*service], patch, Cause::Manual).await;
                assert_eq!(answer.is_ok(), self.model.services.contains_key(service), "{answer:?}");
                self.model.services.entry(*service).and_modify(|baseline| *baseline = *status);
                self.model.settle();
            }
            Step::DeleteService { service } => {
                let answer = self.member.delete_service(self.services[*service]).await;
                assert_eq!(answer.is_ok(), self.model.services.remove(service).is_some());
                self.model.effective.remove(service);
            }
            Step::Pass { minutes } => {
                self.clock.advance_seconds(minutes * 60);
                self.model.now += minutes * 60_000;
                self.domain.system().run_scheduler(LeaseHolder::default(), || {}).await.expect("the scheduler runs");
                self.model.run_scheduler();
            }
            _ => {}
        }
    }

    /// Compares the answer to a change with what was stored.
    async fn assert_stored(&self, answer: &Incident) {
        assert_eq!(answer, &self.member.incident(answer.id).await.expect("stored"));
    }

    /// Deletes the newest update, in the model too.
    async fn drop_update(&mut self, which: usize) {
        let incident = self.member.incident(self.ids[which]).await.expect("known");
        let newest = incident.latest().expect("an update").clone();
        let answer = self.member.delete_update(incident.id, newest.id, None).await;
        // A maintenance takes no step back (domain rule 3.6.1).
        let may = incident.updates.get(1).is_some_and(|before| newest.status.may_become(before.status));
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        let Ok(after) = answer else { return };
        self.assert_stored(&after).await;
        // The model has no reminders.
        let model = &mut self.model.incidents[which];
        if newest.status != after.status || model.statuses.len() == after.updates.len() + 1 {
            model.statuses.pop();
        }
        if model.statuses.is_empty() {
            model.statuses.push(after.status);
        }
        if has_ended(model.status()) {
            model.map.values_mut().for_each(|impact| *impact = ServiceStatus::Operational);
        }
        self.model.settle();
    }

    /// Compares the system with the model.
    async fn agree(&mut self) -> Result<(), TestCaseError> {
        let board = self.member.board().await.expect("a board");
        let of = |n: &usize| board.service(self.services[*n]).map(|service| service.status);
        let effective: BTreeMap<usize, ServiceStatus> =
            (0..SERVICES).filter_map(|n| of(&n).map(|status| (n, status))).collect();
        prop_assert_eq!(&effective, &self.model.effective);
        let headline = board.headline();
        prop_assert_eq!((headline.indicator.as_str(), headline.description), self.model.headline());
        for service in &board.services {
            // The status derived by the page is the one recorded by the server (domain rule 3.1.2).
            prop_assert_eq!(board.effective(service), service.status, "{:?}", service);
        }
        let rows = self.member.scope().find::<status_change::Entity>();
        let rows = rows.order_by_asc(status_change::Column::CreatedAt).order_by_asc(status_change::Column::Id);
        let rows = rows.all(self.domain.db()).await.expect("rows");
        for (n, id) in self.services.iter().enumerate() {
            let of_service = rows.iter().filter(|row| row.service_id == *id);
            let written: Vec<_> = of_service.map(|row| (row.old_status, row.new_status)).collect();
            let expected = self.model.rows.get(&n).cloned().unwrap_or_default();
            prop_assert_eq!(written, expected, "rows of service {}", n);
        }
        let public = Visitor::new(self.domain.clone(), self.member.organization()).page().await.expect("a page");
        for ((audience, carried, feed), now) in self.feeds.iter_mut().zip([board, public]) {
            while carried.seq < now.seq {
                let Next::Event(event) = feed.next().await else { panic!("no event after {}", carried.seq) };
                let frame: Frame = serde_json::from_str(&event.frame).expect("a frame");
                let is_pointer = matches!(&frame, Frame::Event(event) if event.event == Event::PageUpdated {});
                match carried.apply(frame) {
                    Applied::Refetch if is_pointer => *carried = now.clone(),
                    outcome => prop_assert_eq!(outcome, Applied::Changed),
                }
            }
            prop_assert_eq!(&*carried, &now, "carried for {}", audience);
        }
        Ok(())
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the environment sets the number of cases")]
fn rule_3_1_statuses_rows_and_headline_agree_with_a_simple_model_whatever_happens() {
    let cases = std::env::var("ALDIS_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("aldis-agreement-{}", new_id().simple()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let url = format!("sqlite://{}/agreement.db", folder.display());
    let clock = Clock::pretend(START.parse().expect("an instant"));
    let domain = runtime.block_on(Domain::open(&url, Relay::none(), clock.clone())).expect("the database opens");
    let mut runner =
        TestRunner::new(Config { cases, max_shrink_iters: 400, failure_persistence: None, ..Config::default() });
    // One sequence in ten is checked after every step, the others at their end.
    let result = runner.run(&(steps(), prop::bool::weighted(0.1)), |(steps, is_checked)| {
        runtime.block_on(async {
            // Each sequence begins on a day of its own, so that none crosses midnight.
            let day = 86_400_000 - (clock.now().millis() - 3_600_000).rem_euclid(86_400_000);
            clock.advance_seconds(day / 1000);
            let mut pair = Pair::new(&domain, &clock).await;
            for step in &steps {
                pair.take(step).await;
                if is_checked {
                    pair.agree().await?;
                }
            }
            pair.agree().await
        })
    });
    runtime.block_on(domain.close());
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
