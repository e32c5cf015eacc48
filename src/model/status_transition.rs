//! What an update does to its incident and services; a resolving update releases them (domain rules 3.4.2 to 3.4.5).
//!
//! The server and the preview apply the same rules.

use super::{
    AffectedService, Error, IncidentStatus, Result, ServiceImpact, ServiceStatus, ServiceTransition, Timestamp,
};

/// The error for service impacts after the end.
pub const NO_IMPACT_AFTER_END: &str =
    "This has ended and no longer affects services. Set the service's own status, or reopen the incident first.";

/// The change of status that an incident's newest update makes.
#[derive(Clone, Copy, Debug)]
pub struct StatusTransition<'a> {
    /// The status before; none for the first update.
    pub from: Option<IncidentStatus>,
    /// The status after.
    pub to: IncidentStatus,
    /// The service impacts it sets.
    pub impacts: &'a [ServiceImpact],
}

impl<'a> StatusTransition<'a> {
    /// Whether it ends the incident.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.to.has_ended() && !self.is_after_the_end()
    }

    /// Whether the incident had ended before and stays ended.
    #[must_use]
    pub fn is_after_the_end(&self) -> bool {
        self.to.has_ended() && self.from.is_some_and(IncidentStatus::has_ended)
    }

    /// Rejects service impacts after the end.
    ///
    /// # Errors
    /// `invalid`, with `services` at fault.
    pub fn check(&self) -> Result<()> {
        if self.is_after_the_end() && self.impacts.iter().any(|impact| impact.status != ServiceStatus::Operational) {
            return Err(Error::field("services", NO_IMPACT_AFTER_END));
        }
        Ok(())
    }

    /// The baselines that a resolving update leaves services with, `operational` included (domain rule 3.4.5).
    #[must_use]
    pub fn baselines(&self) -> &'a [ServiceImpact] {
        if self.from.is_some() && self.ends() { self.impacts } else { &[] }
    }

    /// Applies the transition to all affected services, new ones included; a resolving update releases them. Returns
    /// what the update records: the services that changed, or none if none did (domain rule 3.4.3).
    #[must_use]
    pub fn apply(&self, services: &mut [AffectedService]) -> Option<Vec<ServiceTransition>> {
        let was_in_force = self.from.is_none_or(IncidentStatus::is_in_force);
        let has_ended = self.to.has_ended();
        let transition = |service: &mut AffectedService| {
            let set = self.impacts.iter().find(|impact| impact.id == service.id).map(|impact| impact.status);
            let unset = if has_ended { ServiceStatus::Operational } else { service.status };
            let old_status = if was_in_force { service.status } else { ServiceStatus::Operational };
            let new_status = set.unwrap_or(unset);
            service.status = if has_ended { ServiceStatus::Operational } else { new_status };
            ServiceTransition { id: service.id, name: service.name.clone(), old_status, new_status }
        };
        let transitions: Vec<_> = services.iter_mut().map(transition).collect();
        let is_recorded = !self.impacts.is_empty() || self.ends() && was_in_force;
        let changed = transitions.into_iter().filter(|service| is_recorded && service.old_status != service.new_status);
        Some(changed.collect::<Vec<_>>()).filter(|changed| !changed.is_empty())
    }
}

/// The status and times of an incident, derived from all of its updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivedStatus {
    /// The status of the newest update (domain rule 3.4.2).
    pub status: IncidentStatus,
    /// When it was first monitoring (domain rule 3.4.4).
    pub monitoring_at: Option<Timestamp>,
    /// When a maintenance actually began.
    pub began_at: Option<Timestamp>,
    /// When it ended, unless it is open (domain rule 3.4.4).
    pub resolved_at: Option<Timestamp>,
}

impl DerivedStatus {
    /// Derives from each update's status and display time, oldest first; none without updates.
    #[must_use]
    pub fn of(updates: &[(IncidentStatus, Timestamp)]) -> Option<Self> {
        let (status, _) = *updates.last()?;
        let first = |wanted: IncidentStatus| updates.iter().find(|(status, _)| *status == wanted).map(|(_, at)| *at);
        let end = updates.iter().rev().take_while(|(status, _)| status.has_ended()).last();
        Some(Self {
            status,
            monitoring_at: first(IncidentStatus::Monitoring),
            began_at: first(IncidentStatus::InProgress),
            resolved_at: end.map(|(_, at)| *at),
        })
    }
}

/// The display time of a new update: now, or a millisecond after the newest, so that no two updates share one.
#[must_use]
pub fn next_display_at(newest: Option<Timestamp>, at: Timestamp) -> Timestamp {
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

    /// Applies a transition: the recorded old and new status of each service, and the impacts left.
    fn applied(
        from: Option<IncidentStatus>,
        to: IncidentStatus,
        impacts: &[(u128, ServiceStatus)],
        mut services: Vec<AffectedService>,
    ) -> (Vec<(ServiceStatus, ServiceStatus)>, Vec<ServiceStatus>) {
        let impacts: Vec<_> = impacts.iter().map(|(n, status)| ServiceImpact { id: id(*n), status: *status }).collect();
        let recorded = StatusTransition { from, to, impacts: &impacts }.apply(&mut services).unwrap_or_default();
        let recorded = recorded.iter().map(|service| (service.old_status, service.new_status)).collect();
        (recorded, services.iter().map(|service| service.status).collect())
    }

    #[test]
    fn rule_3_4_3_an_update_records_the_services_that_change() {
        let two = || services(&[Degraded, Operational]);
        assert_eq!(applied(Some(Investigating), Monitoring, &[], two()), (vec![], vec![Degraded, Operational]));
        assert_eq!(
            applied(Some(Investigating), Monitoring, &[(1, MajorOutage)], two()),
            (vec![(Operational, MajorOutage)], vec![Degraded, MajorOutage])
        );
        assert!(applied(Some(Investigating), Monitoring, &[(0, Degraded)], two()).0.is_empty(), "set to what it was");
    }

    #[test]
    fn rule_3_4_5_the_end_releases_every_service_and_sets_baselines() {
        let two = || services(&[Degraded, MajorOutage]);
        let free = vec![Operational, Operational];
        assert_eq!(
            applied(Some(Investigating), Resolved, &[(1, Degraded)], two()),
            (vec![(Degraded, Operational), (MajorOutage, Degraded)], free.clone())
        );
        // Opened as resolved, it records what they recovered from.
        assert_eq!(
            applied(None, Resolved, &[], two()),
            (vec![(Degraded, Operational), (MajorOutage, Operational)], free)
        );
        let impacts = [ServiceImpact { id: id(0), status: Operational }];
        assert_eq!(
            StatusTransition { from: Some(Monitoring), to: Resolved, impacts: &impacts }.baselines(),
            impacts,
            "`operational` included"
        );
        for (from, to) in [(None, Resolved), (Some(Resolved), Resolved), (Some(Resolved), Monitoring)] {
            assert!(StatusTransition { from, to, impacts: &impacts }.baselines().is_empty(), "{from:?} to {to}");
        }
    }

    #[test]
    fn rule_3_4_5_after_the_end_no_service_is_affected() {
        let is_allowed = |status| {
            let impacts = [ServiceImpact { id: id(0), status }];
            let transition = StatusTransition { from: Some(Resolved), to: Resolved, impacts: &impacts };
            assert!(transition.is_after_the_end() && !transition.ends());
            transition.check().is_ok()
        };
        assert_eq!([Degraded, Operational].map(is_allowed), [false, true]);
        assert!(applied(Some(Resolved), Resolved, &[], services(&[Operational])).0.is_empty());
    }

    #[test]
    fn rule_3_6_1_a_scheduled_maintenance_affects_nothing_so_nothing_recovers_when_it_is_cancelled() {
        let scheduled = || services(&[UnderMaintenance]);
        assert_eq!(applied(Some(Scheduled), Cancelled, &[], scheduled()), (vec![], vec![Operational]));
        assert_eq!(applied(Some(InProgress), Cancelled, &[], scheduled()).0, [(UnderMaintenance, Operational)]);
        assert_eq!(
            applied(Some(Scheduled), InProgress, &[(0, Degraded)], scheduled()),
            (vec![(Operational, Degraded)], vec![Degraded])
        );
        assert_eq!(applied(Some(InProgress), Completed, &[], scheduled()).0, [(UnderMaintenance, Operational)]);
    }

    #[test]
    fn rule_3_4_4_the_times_of_an_incident_follow_from_its_updates() {
        let at = Timestamp::from_millis;
        let derived = |updates: &[(IncidentStatus, i64)]| {
            DerivedStatus::of(&updates.iter().map(|(status, millis)| (*status, at(*millis))).collect::<Vec<_>>())
        };
        assert_eq!(derived(&[]), None);
        let open = derived(&[(Monitoring, 1), (Resolved, 2), (Investigating, 3)]).expect("updates");
        assert_eq!((open.status, open.monitoring_at, open.resolved_at), (Investigating, Some(at(1)), None));
        let over = derived(&[(Monitoring, 1), (Resolved, 2), (Monitoring, 3), (Resolved, 4), (Resolved, 5)]);
        assert_eq!(over.expect("updates").resolved_at, Some(at(4)));
        let work = derived(&[(Scheduled, 1), (InProgress, 2), (Completed, 3)]).expect("updates");
        assert_eq!((work.began_at, work.resolved_at), (Some(at(2)), Some(at(3))));
    }

    #[test]
    fn rule_3_12_no_two_updates_get_the_same_display_time() {
        let at = Timestamp::from_millis;
        assert_eq!([next_display_at(None, at(5)), next_display_at(Some(at(4)), at(5))], [at(5); 2]);
        assert_eq!([next_display_at(Some(at(5)), at(5)), next_display_at(Some(at(9)), at(5))], [at(6), at(10)]);
    }
}
