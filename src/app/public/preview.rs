//! Preview of what the public page would show.

use leptos::prelude::*;

use super::{
    card::{CardVariant, IncidentCard},
    incidents::zone_of,
    view::{Summary, row},
};
use crate::{
    app::components::{each::Each, sections::service},
    model::{Incident, ServiceId, StatusPage},
};

/// Headline, incident and services, drawn by the components of the public page from the result of
/// `StatusPage::preview`.
#[component]
pub fn PublicPreview(
    /// The page as it would be.
    #[prop(into)]
    page: Signal<StatusPage>,
    /// The incident as it would be; `None` while there is nothing to show.
    #[prop(into)]
    incident: Signal<Option<Incident>>,
) -> impl IntoView {
    let zone = zone_of(page);
    let shown = Memo::new(move |_| incident.with(|incident| incident.as_ref().map(|incident| incident.id)));
    let card = move || {
        shown.get()?;
        let first = incident.get_untracked()?;
        let incident =
            Memo::new(move |last: Option<&Incident>| incident.get().or(last.cloned()).unwrap_or_else(|| first.clone()));
        let slug = page.with_untracked(|page| page.organization.slug.clone());
        Some(view! { <IncidentCard incident zone slug variant=CardVariant::Preview /> })
    };
    let affected = Memo::new(move |_| {
        let is_affected =
            |id: ServiceId| incident.with(|it| it.iter().any(|it| it.services.iter().any(|service| service.id == id)));
        page.with(|page| {
            page.services.iter().map(|service| service.id).filter(|id| is_affected(*id)).collect::<Vec<_>>()
        })
    });
    let none_affected = Memo::new(move |_| affected.with(Vec::is_empty));
    view! {
        <div class="public preview">
            <Summary page heading=|headline| view! { <p class="headline">{headline}</p> }.into_any() />
            {card}
            <ul class="card rows" hidden=move || none_affected.get()>
                <Each each=move || affected.get() key=|id| *id let:id>
                    {service(page, id).map(|service| row(service, zone))}
                </Each>
            </ul>
        </div>
    }
}
