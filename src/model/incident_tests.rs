//! The rules that need only the incident itself.

use super::*;

#[test]
fn rule_3_3_2_the_automatic_impact_is_the_worst_of_the_services() {
    use ServiceStatus::{Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance};
    let of = |statuses: &[ServiceStatus]| Impact::automatic(Impact::None, statuses.iter().copied());
    assert_eq!(of(&[]), Impact::None);
    assert_eq!(of(&[Operational, UnderMaintenance]), Impact::None);
    assert_eq!(of(&[Degraded, Operational]), Impact::Minor);
    assert_eq!(of(&[Degraded, PartialOutage]), Impact::Major);
    assert_eq!(of(&[MajorOutage, Degraded]), Impact::Critical);
}

#[test]
fn rule_3_3_3_recovery_never_lowers_the_automatic_impact() {
    assert_eq!(Impact::automatic(Impact::Critical, [ServiceStatus::Operational]), Impact::Critical);
    assert_eq!(Impact::automatic(Impact::Minor, [ServiceStatus::PartialOutage]), Impact::Major);
}

#[test]
fn rule_3_4_1_an_incident_jumps_forward_and_back_but_never_becomes_a_maintenance() {
    for from in IncidentStatus::INCIDENT {
        assert!(IncidentStatus::INCIDENT.iter().all(|to| from.may_become(*to)), "{from}");
        assert!(!IncidentStatus::MAINTENANCE.iter().any(|to| from.may_become(*to)), "{from}");
    }
}

#[test]
fn rule_3_6_1_a_maintenance_moves_on_and_stays_ended() {
    use IncidentStatus::{Cancelled, Completed, InProgress, Scheduled, Verifying};
    assert!(Scheduled.may_become(InProgress) && InProgress.may_become(Verifying) && Verifying.may_become(Completed));
    assert!(Verifying.may_become(InProgress) && Scheduled.may_become(Cancelled));
    assert!(!Scheduled.may_become(Completed) && !InProgress.may_become(Scheduled));
    for end in [Completed, Cancelled] {
        assert!(end.may_become(end));
        assert!(IncidentStatus::ALL.iter().filter(|next| **next != end).all(|next| !end.may_become(*next)));
    }
}

#[test]
fn rule_3_4_6_monitoring_releases_nothing_by_itself() {
    assert!(IncidentStatus::Monitoring.is_in_force() && !IncidentStatus::Resolved.is_in_force());
    assert!(IncidentStatus::Verifying.is_in_force() && !IncidentStatus::Scheduled.is_in_force());
}

#[test]
fn rule_3_4_11_every_status_has_a_default_text() {
    let texts: std::collections::BTreeSet<_> = IncidentStatus::ALL.iter().map(|s| s.default_text()).collect();
    assert_eq!(texts.len(), IncidentStatus::ALL.len());
    assert_eq!(IncidentStatus::Resolved.default_text(), "This incident has been resolved.");
}
