//! A page's services under their headings, row by row: one service's change redraws that service alone.

use leptos::prelude::*;

use super::each::Each;
use crate::model::{GroupId, Service, ServiceGroup, ServiceId, ServiceStatus, StatusPage};

/// One heading and what stands under it.
pub struct Section {
    /// The group; none for services without one, which stand first.
    pub group: Option<Signal<ServiceGroup>>,
    /// How many services stand under it.
    pub size: Signal<usize>,
    /// The worst of them (domain rule 3.1.5); operational when there is none.
    pub status: Signal<ServiceStatus>,
    /// The drawn rows.
    pub rows: AnyView,
}

/// Every section of a page, in order. `section` draws a heading around its rows, `row` one service.
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

/// The service with this id as it changes; none when the page has none. Once deleted it stays as it was, until whoever
/// shows it is gone.
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
