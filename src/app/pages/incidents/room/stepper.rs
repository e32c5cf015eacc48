//! The choice of an incident's next status, and its usual next step.

use leptos::{html, prelude::*};

use crate::{
    app::components::form::Form,
    model::{IncidentKind, IncidentStatus},
};

/// The statuses an update may have, in order.
pub fn next_statuses(current: IncidentStatus) -> Vec<IncidentStatus> {
    let all = match current.kind() {
        IncidentKind::Incident => IncidentStatus::INCIDENT,
        IncidentKind::Maintenance => IncidentStatus::MAINTENANCE,
    };
    all.iter().copied().filter(|next| current.may_become(*next)).collect()
}

/// The label of a step: the status of an incident, the action for a maintenance.
pub const fn step_label(current: IncidentStatus, next: IncidentStatus) -> &'static str {
    match next {
        IncidentStatus::InProgress if matches!(current, IncidentStatus::Scheduled) => "Begin now",
        IncidentStatus::InProgress if matches!(current, IncidentStatus::Verifying) => "Resume work",
        IncidentStatus::Verifying if !matches!(current, IncidentStatus::Verifying) => "Verify",
        IncidentStatus::Completed if !matches!(current, IncidentStatus::Completed) => "Complete",
        IncidentStatus::Cancelled if !matches!(current, IncidentStatus::Cancelled) => "Cancel maintenance",
        _ => next.label(),
    }
}

/// The usual next status with its button label; none once it has ended.
pub const fn next_step(current: IncidentStatus) -> Option<(IncidentStatus, &'static str)> {
    match current {
        IncidentStatus::Investigating | IncidentStatus::Identified | IncidentStatus::Monitoring => {
            Some((IncidentStatus::Resolved, "Resolve"))
        }
        IncidentStatus::Scheduled => Some((IncidentStatus::InProgress, "Begin now")),
        IncidentStatus::InProgress | IncidentStatus::Verifying => Some((IncidentStatus::Completed, "Complete")),
        IncidentStatus::Resolved | IncidentStatus::Completed | IncidentStatus::Cancelled => None,
    }
}

/// The chosen status if it is still a valid step, otherwise the current one.
pub fn effective_status(chosen: Option<IncidentStatus>, current: IncidentStatus) -> IncidentStatus {
    chosen.filter(|next| current.may_become(*next)).unwrap_or(current)
}

/// The possible statuses as a radio group named `Status`.
#[component]
pub fn Stepper(
    /// The form.
    form: Form,
    /// The current status.
    current: Memo<IncidentStatus>,
    /// The chosen status; unchanged if none.
    chosen: RwSignal<Option<IncidentStatus>>,
) -> impl IntoView {
    let (legend, fault) = (form.id_of("status-legend"), form.id_of("status-fault"));
    let (labelledby, describedby) = (legend.clone(), fault.clone());
    let is_alive = StoredValue::new(false);
    Effect::new(move |_| is_alive.set_value(true));
    let step = move |next: IncidentStatus| {
        view! { <StepRadio current=current.get_untracked() next chosen is_first=!is_alive.get_value() /> }
    };
    view! {
        <fieldset
            class="stepper"
            role="radiogroup"
            aria-labelledby=labelledby
            aria-describedby=move || form.fault("status").map(|_| describedby.clone())
        >
            <legend id=legend>"Status"</legend>
            <div class="flex flex-wrap gap-1.5">{move || next_statuses(current.get()).into_iter().map(step).collect_view()}</div>
            {move || {
                form.fault("status")
                    .map(|why| {
                        view! {
                            <p class="fault" id=fault.clone()>
                                {why}
                            </p>
                        }
                    })
            }}
        </fieldset>
    }
}

#[component]
fn StepRadio(
    current: IncidentStatus,
    next: IncidentStatus,
    chosen: RwSignal<Option<IncidentStatus>>,
    /// Whether it was rendered before hydration.
    is_first: bool,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let is_picked = move || effective_status(chosen.get(), current) == next;
    // A choice made before hydration counts. Steps rendered later may reuse checked inputs, so these are set.
    Effect::new(move |is_alive: Option<bool>| {
        let is_picked = is_picked();
        let Some(radio) = node.get() else { return false };
        if is_alive == Some(true) || !is_first {
            radio.set_checked(is_picked);
        } else if radio.checked() && !is_picked {
            chosen.set(Some(next));
        }
        true
    });
    view! {
        <label class="step">
            <input
                type="radio"
                name="status"
                value=next.as_str()
                autocomplete="off"
                checked=untrack(is_picked)
                node_ref=node
                on:change=move |_| chosen.set((next != current).then_some(next))
            />
            <span>{step_label(current, next)}</span>
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IncidentStatus::{
        Cancelled, Completed, Identified, InProgress, Investigating, Monitoring, Resolved, Scheduled, Verifying,
    };

    #[test]
    fn rule_3_4_1_incidents_can_take_any_status_at_any_time() {
        for current in IncidentStatus::INCIDENT {
            assert_eq!(next_statuses(*current), [Investigating, Identified, Monitoring, Resolved], "{current}");
        }
    }

    #[test]
    fn rule_3_6_1_maintenance_offers_only_valid_steps() {
        assert_eq!(next_statuses(Scheduled), [Scheduled, InProgress, Cancelled]);
        assert_eq!(next_statuses(InProgress), [InProgress, Verifying, Completed, Cancelled]);
        assert_eq!(next_statuses(Verifying), [InProgress, Verifying, Completed, Cancelled]);
        assert_eq!((next_statuses(Completed), next_statuses(Cancelled)), (vec![Completed], vec![Cancelled]));
    }

    #[test]
    fn the_next_step_ends_with_the_incident() {
        for (current, expected) in [
            (Investigating, Some((Resolved, "Resolve"))),
            (Monitoring, Some((Resolved, "Resolve"))),
            (Scheduled, Some((InProgress, "Begin now"))),
            (InProgress, Some((Completed, "Complete"))),
            (Verifying, Some((Completed, "Complete"))),
        ] {
            assert_eq!(next_step(current), expected, "{current}");
        }
        assert!([Resolved, Completed, Cancelled].into_iter().all(|end| next_step(end).is_none()));
    }

    #[test]
    fn steps_are_labelled_by_action_and_the_current_status_by_name() {
        let names = |current: IncidentStatus| -> Vec<_> {
            next_statuses(current).into_iter().map(|next| step_label(current, next)).collect()
        };
        assert_eq!(names(Identified), ["Investigating", "Identified", "Monitoring", "Resolved"]);
        assert_eq!(names(Scheduled), ["Scheduled", "Begin now", "Cancel maintenance"]);
        assert_eq!(names(InProgress), ["In Progress", "Verify", "Complete", "Cancel maintenance"]);
        assert_eq!(names(Verifying), ["Resume work", "Verifying", "Complete", "Cancel maintenance"]);
    }

    #[test]
    fn an_invalid_choice_falls_back_to_the_current_status() {
        assert_eq!(effective_status(None, Identified), Identified);
        assert_eq!(effective_status(Some(Monitoring), Identified), Monitoring);
        assert_eq!(effective_status(Some(Verifying), Completed), Completed, "completed in the meantime");
    }
}
