//! Where an incident can go from where it stands: the choice of its next status, and the one step most often next.

use leptos::{html, prelude::*};

use crate::{
    app::components::form::Form,
    model::{IncidentKind, IncidentStatus},
};

/// The statuses that an update may have from here, in their order.
pub fn steps(current: IncidentStatus) -> Vec<IncidentStatus> {
    let all = match current.kind() {
        IncidentKind::Incident => IncidentStatus::INCIDENT,
        IncidentKind::Maintenance => IncidentStatus::MAINTENANCE,
    };
    all.iter().copied().filter(|next| current.may_become(*next)).collect()
}

/// What a step is called: an incident's by where it leads, a maintenance's by what one does.
pub const fn step_label(current: IncidentStatus, next: IncidentStatus) -> &'static str {
    match next {
        IncidentStatus::InProgress if matches!(current, IncidentStatus::Scheduled) => "Begin now",
        IncidentStatus::InProgress if matches!(current, IncidentStatus::Verifying) => "Back to work",
        IncidentStatus::Verifying if !matches!(current, IncidentStatus::Verifying) => "Verify",
        IncidentStatus::Completed if !matches!(current, IncidentStatus::Completed) => "Complete",
        IncidentStatus::Cancelled if !matches!(current, IncidentStatus::Cancelled) => "Cancel maintenance",
        _ => next.label(),
    }
}

/// The step that has a button of its own, and the button's name; none once it is over.
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

/// What is picked: what somebody chose, while one may still go there, or the status as it is.
pub fn picked(chosen: Option<IncidentStatus>, current: IncidentStatus) -> IncidentStatus {
    chosen.filter(|next| current.may_become(*next)).unwrap_or(current)
}

/// The statuses to go to as a set of radio buttons named `Status`.
#[component]
pub fn Stepper(
    /// The form it stands in.
    form: Form,
    /// The status as it is.
    current: Memo<IncidentStatus>,
    /// What somebody chose; nothing leaves it as it is.
    chosen: RwSignal<Option<IncidentStatus>>,
) -> impl IntoView {
    let (legend, fault) = (form.id_of("status-legend"), form.id_of("status-fault"));
    let (labelledby, describedby) = (legend.clone(), fault.clone());
    let is_alive = StoredValue::new(false);
    Effect::new(move |_| is_alive.set_value(true));
    let step = move |next: IncidentStatus| {
        view! { <Step current=current.get_untracked() next chosen is_first=!is_alive.get_value() /> }
    };
    view! {
        <fieldset
            class="stepper"
            role="radiogroup"
            aria-labelledby=labelledby
            aria-describedby=move || form.fault("status").map(|_| describedby.clone())
        >
            <legend id=legend>"Status"</legend>
            <div class="flex flex-wrap gap-1.5">{move || steps(current.get()).into_iter().map(step).collect_view()}</div>
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
fn Step(
    current: IncidentStatus,
    next: IncidentStatus,
    chosen: RwSignal<Option<IncidentStatus>>,
    /// Whether it was there before the client ran.
    is_first: bool,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let is_picked = move || picked(chosen.get(), current) == next;
    // A choice made before the client ran is not lost: it counts now. Later steps take the place of others, and may
    // find their buttons picked.
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
    fn rule_3_4_1_an_incident_may_go_anywhere_also_back_and_out_of_its_end() {
        for current in IncidentStatus::INCIDENT {
            assert_eq!(steps(*current), [Investigating, Identified, Monitoring, Resolved], "{current}");
        }
    }

    #[test]
    fn rule_3_6_1_a_maintenance_is_offered_only_the_steps_it_may_take() {
        assert_eq!(steps(Scheduled), [Scheduled, InProgress, Cancelled]);
        assert_eq!(steps(InProgress), [InProgress, Verifying, Completed, Cancelled]);
        assert_eq!(steps(Verifying), [InProgress, Verifying, Completed, Cancelled]);
        assert_eq!((steps(Completed), steps(Cancelled)), (vec![Completed], vec![Cancelled]));
    }

    #[test]
    fn the_button_leads_on_and_is_gone_at_the_end() {
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
    fn every_step_is_named_by_what_it_does_and_staying_by_what_is() {
        let names = |current: IncidentStatus| -> Vec<_> {
            steps(current).into_iter().map(|next| step_label(current, next)).collect()
        };
        assert_eq!(names(Identified), ["Investigating", "Identified", "Monitoring", "Resolved"]);
        assert_eq!(names(Scheduled), ["Scheduled", "Begin now", "Cancel maintenance"]);
        assert_eq!(names(InProgress), ["In Progress", "Verify", "Complete", "Cancel maintenance"]);
        assert_eq!(names(Verifying), ["Back to work", "Verifying", "Complete", "Cancel maintenance"]);
    }

    #[test]
    fn a_choice_that_is_no_step_any_more_falls_back_to_how_it_is() {
        assert_eq!(picked(None, Identified), Identified);
        assert_eq!(picked(Some(Monitoring), Identified), Monitoring);
        assert_eq!(picked(Some(Verifying), Completed), Completed, "somebody completed it meanwhile");
    }
}
