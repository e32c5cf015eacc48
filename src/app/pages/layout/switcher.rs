//! Switching between the reader's organizations.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            form::{Form, FormHead},
        },
        resource::{Resource, blocking_resource},
        server_fns::{self, SwitchOrganization},
        session::is_registration_open,
    },
    model::{Organization, OrganizationId, Result},
};

/// The organizations the reader belongs to.
#[derive(Clone, Copy)]
pub struct Organizations(Resource<Result<Vec<Organization>>>);

impl Organizations {
    /// Starts loading them.
    pub fn load() -> Self {
        Self(blocking_resource(|| (), |()| server_fns::my_organizations()))
    }
}

/// A button for each other organization of the reader; hidden if there is none.
#[component]
pub fn Switcher(
    /// All organizations of the reader.
    organizations: Organizations,
    /// The current one.
    here: OrganizationId,
) -> impl IntoView {
    let is_open = is_registration_open();
    let list = move || {
        let all = organizations.0.get()?.ok()?;
        let others: Vec<_> = all.into_iter().filter(|organization| organization.id != here).collect();
        (!others.is_empty()).then(|| {
            let buttons =
                others.into_iter().map(|organization| view! { <li><SwitchForm organization /></li> }).collect_view();
            view! {
                <details class="switcher">
                    <summary>"Switch organization"</summary>
                    <ul>{buttons}</ul>
                    {is_open
                        .then(|| {
                            view! {
                                <p>
                                    <a href="/account/new-organization">"New organization"</a>
                                </p>
                            }
                        })}
                </details>
            }
        })
    };
    view! { <Transition>{list}</Transition> }
}

#[component]
fn SwitchForm(organization: Organization) -> impl IntoView {
    let action = FormAction::<SwitchOrganization>::new();
    let form = Form::about(action, "switch", organization.id);
    view! {
        <ServerForm form>
            <FormHead form />
            <input type="hidden" name="id" value=organization.id.to_string() />
            <button type="submit" class="button" disabled=move || form.is_pending()>
                <span class="sr-only">"Switch to "</span>
                <bdi>{organization.name}</bdi>
            </button>
        </ServerForm>
    }
}
