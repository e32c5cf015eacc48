//! What an update does to its incident and to the services of it (domain rules 3.4.2 to 3.4.5): one rule for the server,
//! which writes it down, and for the preview, which shows it before.

use super::{
    AffectedService, Error, IncidentStatus, Result, ServiceImpact, ServiceStatus, ServiceTransition, Timestamp,
};

/// Why what is over can say nothing of services.
pub const OVER: &str =
    "It is over and says nothing of services any more. Set the service's own status, or reopen the incident first.";

/// The newest word about an incident.
#[derive(Clone, Copy, Debug)]
pub struct StatusTransition<'a> {
    /// The status it finds; none when it is the first word.
    pub from: Option<IncidentStatus>,
    /// The status it gives.
    pub to: IncidentStatus,
    /// What it says of services.
    pub said: &'a [ServiceImpact],
}

impl<'a> StatusTransition<'a> {
    /// Whether this is what ends it.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.to.has_ended() && !self.is_after_the_end()
    }

    /// Whether it was over before, and stays so.
    #[must_use]
    pub fn is_after_the_end(&self) -> bool {
        self.to.has_ended() && self.from.is_some_and(IncidentStatus::has_ended)
    }

    /// Refuses to say of services what would change nothing.
    ///
    /// # Errors
    /// `invalid`, with `services` at fault.
    pub fn check(&self) -> Result<()> {
        if self.is_after_the_end() && self.said.iter().any(|said| said.status != ServiceStatus::Operational) {
            return Err(Error::field("services", OVER));
        }
        Ok(())
    }

    /// What services are left with by name: it becomes their own status, Operational too (domain rule 3.4.5).
    #[must_use]
    pub fn left(&self) -> &'a [ServiceImpact] {
        if self.from.is_some() && self.ends() { self.said } else { &[] }
    }

    /// Lets the services follow, those attached by this word among them; tells what became of each, unless nothing is
    /// said of services (domain rule 3.4.3). What was not in force before has impaired nothing and changes from nothing.
    #[must_use]
    pub fn take(&self, services: &mut [AffectedService]) -> Option<Vec<ServiceTransition>> {
        let was_in_force = self.from.is_none_or(IncidentStatus::is_in_force);
        let is_over = self.to.has_ended();
        let transition = |service: &mut AffectedService| {
            let said = self.said.iter().find(|said| said.id == service.id).map(|said| said.status);
            let unsaid = if is_over { ServiceStatus::Operational } else { service.status };
            let old_status = if was_in_force { service.status } else { ServiceStatus::Operational };
            let new_status = said.unwrap_or(unsaid);
            // Over, it says nothing of them any more.
            service.status = if is_over { ServiceStatus::Operational } else { new_status };
            ServiceTransition { id: service.id, name: service.name.clone(), old_status, new_status }
        };
        let transitions: Vec<_> = services.iter_mut().map(transition).collect();
        let releases = self.ends() && was_in_force && !transitions.is_empty();
        (releases || !self.said.is_empty()).then_some(transitions)
    }
}

/// What follows for an incident from everything that was said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivedStatus {
    /// Where it stands: the newest status (domain rule 3.4.2).
    pub status: IncidentStatus,
    /// When it was first watched (domain rule 3.4.4).
    pub monitoring_at: Option<Timestamp>,
    /// When a maintenance's work truly began.
    pub began_at: Option<Timestamp>,
    /// When it ended, if it is over (domain rule 3.4.4).
    pub resolved_at: Option<Timestamp>,
}

impl DerivedStatus {
    /// From each update's status and the time it stands at, oldest first; none when nothing was said.
    #[must_use]
    pub fn of(told: &[(IncidentStatus, Timestamp)]) -> Option<Self> {
        let (status, _) = *told.last()?;
        let first = |wanted: IncidentStatus| told.iter().find(|(status, _)| *status == wanted).map(|(_, at)| *at);
        let end = told.iter().rev().take_while(|(status, _)| status.has_ended()).last();
        Some(Self {
            status,
            monitoring_at: first(IncidentStatus::Monitoring),
            began_at: first(IncidentStatus::InProgress),
            resolved_at: end.map(|(_, at)| *at),
        })
    }
}

/// The time at which what is said at this instant stands: never beside the newest word, whose order to it would be left
/// to chance.
#[must_use]
pub fn place_after(newest: Option<Timestamp>, at: Timestamp) -> Timestamp {
    newest.map_or(at, |newest| at.max(newest.plus_millis(1)))
}

#[cfg(test)]
mod tests {
    use IncidentStatus::{Cancelled, Completed, InProgress, Investigating, Monitoring, Resolved, Scheduled};
    use ServiceStatus::{Degraded, MajorOutage, Operational, UnderMaintenance};
    use uuid::Uuid;

    use super::*;
    use crate::model::ServiceId;

    fn id(n: u128) -> ServiceId {
        ServiceId::from_uuid(Uuid::from_u128(n))
    }

    fn services(statuses: &[ServiceStatus]) -> Vec<AffectedService> {
        let affected = |(n, status): (u128, &ServiceStatus)| AffectedService {
            id: id(n),
            name: n.to_string(),
            status: *status,
            worst: *status,
        };
        (0..).zip(statuses).map(affected).collect()
    }

    /// What a step says that it did: old and new of each service.
    fn told(
        from: Option<IncidentStatus>,
        to: IncidentStatus,
        said: &[(u128, ServiceStatus)],
        mut services: Vec<AffectedService>,
    ) -> (Vec<(ServiceStatus, ServiceStatus)>, Vec<ServiceStatus>) {
        let said: Vec<_> = said.iter().map(|(n, status)| ServiceImpact { id: id(*n), status: *status }).collect();
        let told = StatusTransition { from, to, said: &said }.take(&mut services).unwrap_or_default();
        let told = told.iter().map(|service| (service.old_status, service.new_status)).collect();
        (told, services.iter().map(|service| service.status).collect())
    }

    #[test]
    fn rule_3_4_3_an_update_tells_of_every_service_or_of_none() {
        let two = || services(&[Degraded, Operational]);
        assert_eq!(told(Some(Investigating), Monitoring, &[], two()), (vec![], vec![Degraded, Operational]));
        assert_eq!(
            told(Some(Investigating), Monitoring, &[(1, MajorOutage)], two()),
            (vec![(Degraded, Degraded), (Operational, MajorOutage)], vec![Degraded, MajorOutage])
        );
    }

    #[test]
    fn rule_3_4_5_the_end_releases_everything_and_tells_what_is_left() {
        let two = || services(&[Degraded, MajorOutage]);
        let free = vec![Operational, Operational];
        assert_eq!(
            told(Some(Investigating), Resolved, &[(1, Degraded)], two()),
            (vec![(Degraded, Operational), (MajorOutage, Degraded)], free.clone())
        );
        // Over as it is entered, it tells what they recovered from.
        assert_eq!(told(None, Resolved, &[], two()), (vec![(Degraded, Operational), (MajorOutage, Operational)], free));
        let said = [ServiceImpact { id: id(0), status: Operational }];
        assert_eq!(
            StatusTransition { from: Some(Monitoring), to: Resolved, said: &said }.left(),
            said,
            "Operational, too"
        );
        for (from, to) in [(None, Resolved), (Some(Resolved), Resolved), (Some(Resolved), Monitoring)] {
            assert!(StatusTransition { from, to, said: &said }.left().is_empty(), "{from:?} to {to}");
        }
    }

    #[test]
    fn rule_3_4_5_after_the_end_nothing_more_is_said_of_services() {
        let is_allowed = |status| {
            let said = [ServiceImpact { id: id(0), status }];
            let step = StatusTransition { from: Some(Resolved), to: Resolved, said: &said };
            assert!(step.is_after_the_end() && !step.ends());
            step.check().is_ok()
        };
        assert_eq!([Degraded, Operational].map(is_allowed), [false, true]);
        assert!(told(Some(Resolved), Resolved, &[], services(&[Operational])).0.is_empty());
    }

    #[test]
    fn rule_3_6_1_a_plan_impairs_nothing_so_nothing_recovers_when_it_is_called_off() {
        let plan = || services(&[UnderMaintenance]);
        assert_eq!(told(Some(Scheduled), Cancelled, &[], plan()), (vec![], vec![Operational]));
        assert_eq!(told(Some(InProgress), Cancelled, &[], plan()).0, [(UnderMaintenance, Operational)]);
        assert_eq!(
            told(Some(Scheduled), InProgress, &[(0, Degraded)], plan()),
            (vec![(Operational, Degraded)], vec![Degraded])
        );
        assert_eq!(told(Some(InProgress), Completed, &[], plan()).0, [(UnderMaintenance, Operational)]);
    }

    #[test]
    fn rule_3_4_4_the_course_of_an_incident_follows_from_what_was_said() {
        let at = Timestamp::from_millis;
        let course = |told: &[(IncidentStatus, i64)]| {
            DerivedStatus::of(&told.iter().map(|(status, millis)| (*status, at(*millis))).collect::<Vec<_>>())
        };
        assert_eq!(course(&[]), None);
        let open = course(&[(Monitoring, 1), (Resolved, 2), (Investigating, 3)]).expect("said");
        assert_eq!((open.status, open.monitoring_at, open.resolved_at), (Investigating, Some(at(1)), None));
        let over = course(&[(Monitoring, 1), (Resolved, 2), (Monitoring, 3), (Resolved, 4), (Resolved, 5)]);
        assert_eq!(over.expect("said").resolved_at, Some(at(4)));
        let work = course(&[(Scheduled, 1), (InProgress, 2), (Completed, 3)]).expect("said");
        assert_eq!((work.began_at, work.resolved_at), (Some(at(2)), Some(at(3))));
    }

    #[test]
    fn rule_3_12_no_word_stands_beside_another_by_itself() {
        let at = Timestamp::from_millis;
        assert_eq!([place_after(None, at(5)), place_after(Some(at(4)), at(5))], [at(5); 2]);
        assert_eq!([place_after(Some(at(5)), at(5)), place_after(Some(at(9)), at(5))], [at(6), at(10)]);
    }
}
