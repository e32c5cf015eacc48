//! A page's services by group, row by row. A change of one service redraws that service alone.

use leptos::prelude::*;

use super::each::Each;
use crate::model::{GroupId, Service, ServiceGroup, ServiceId, ServiceStatus, StatusPage};

/// A group of services, or the services without a group.
pub struct Section {
    /// The group; `None` for services without one, which come first.
    pub group: Option<Signal<ServiceGroup>>,
    /// The number of services.
    pub size: Signal<usize>,
    /// Their worst status (domain rule 3.1.5); operational without services.
    pub status: Signal<ServiceStatus>,
    /// The drawn rows.
    pub rows: AnyView,
}

/// All sections of a page, in order.
#[component]
pub fn Sections<S, R>(
    /// The page.
    #[prop(into)]
    page: Signal<StatusPage>,
    /// Draws a section.
    section: S,
    /// Draws a service.
    row: R,
) -> impl IntoView
where
    S: Fn(Section) -> AnyView + Copy + Send + Sync + 'static,
    R: Fn(Signal<Service>) -> AnyView + Copy + Send + Sync + 'static,
{
    let headings = Memo::new(move |_| {
        page.with(|page| page.sections().iter().map(|(group, _)| group.map(|group| group.id)).collect::<Vec<_>>())
    });
    view! {
        <Each each=move || headings.get() key=|heading| *heading let:heading>
            {
                let members = Memo::new(move |_| page.with(|page| members(page, heading)));
                let rows = view! {
                    <Each each=move || members.get() key=|id| *id let:id>
                        {service(page, id).map(row)}
                    </Each>
                };
                section(Section {
                    group: heading.and_then(|id| group(page, id)),
                    size: Signal::derive(move || members.with(Vec::len)),
                    status: Memo::new(move |_| {
                        heading.and_then(|id| page.with(|page| page.group_status(id))).unwrap_or_default()
                    })
                        .into(),
                    rows: rows.into_any(),
                })
            }
        </Each>
    }
}

/// The service with this id as a signal; `None` if the page has none. Keeps its last value after the service is
/// deleted.
pub fn service(page: Signal<StatusPage>, id: ServiceId) -> Option<Signal<Service>> {
    let find = move || page.with(|page| page.service(id).cloned());
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Service>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

fn group(page: Signal<StatusPage>, id: GroupId) -> Option<Signal<ServiceGroup>> {
    let find = move || page.with(|page| page.groups.iter().find(|group| group.id == id).cloned());
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&ServiceGroup>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

fn members(page: &StatusPage, heading: Option<GroupId>) -> Vec<ServiceId> {
    page.services.iter().filter(|service| service.group_id == heading).map(|service| service.id).collect()
}
