//! From one organization to another, for people who belong to several.

use leptos::prelude::*;

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            form::{Form, FormHead},
        },
        server_fns::{self, SwitchOrganization},
        session::is_registration_open,
    },
    model::{Organization, OrganizationId, Result},
};

/// The organizations a person belongs to, as the server answers.
#[derive(Clone, Copy)]
pub struct Organizations(Resource<Result<Vec<Organization>>>);

impl Organizations {
    /// Begins to ask for them.
    pub fn load() -> Self {
        Self(Resource::new_blocking(|| (), |()| server_fns::my_organizations()))
    }
}

/// The other organizations of the person, each a button that leads there; nothing for who has one.
#[component]
pub fn Switcher(
    /// All of theirs.
    organizations: Organizations,
    /// The one they are in.
    here: OrganizationId,
) -> impl IntoView {
    let is_open = is_registration_open();
    let list = move || {
        let all = organizations.0.get()?.ok()?;
        let others: Vec<_> = all.into_iter().filter(|organization| organization.id != here).collect();
        (!others.is_empty()).then(|| {
            let buttons =
                others.into_iter().map(|organization| view! { <li><Switch organization /></li> }).collect_view();
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
fn Switch(organization: Organization) -> impl IntoView {
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
