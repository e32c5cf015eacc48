//! Inviting people, and the invitations that stand.

use leptos::{prelude::*, server_fn::ServerFn};

use super::team::role_choices;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            copyable::Copyable,
            field::{Field, Select},
            form::{Form, FormHead, Submit},
            time::Time,
        },
        dashboard_state::Trouble,
        server_fns::{self, InviteMember, RevokeInvitation},
        session::use_told,
    },
    model::{Invitation, Result, Role},
};

/// The invitations, as the server answers.
type Answer = Resource<Result<Vec<Invitation>>>;

/// What admins see of invitations.
#[component]
pub fn Invitations() -> impl IntoView {
    let answer: Answer = Resource::new_blocking(|| (), |()| server_fns::list_invitations());
    let list = move || {
        answer.get().map(|answered| match answered {
            Ok(invitations) => view! { <InvitationState answer invitations /> }.into_any(),
            Err(error) => view! { <Trouble error /> }.into_any(),
        })
    };
    view! {
        <section class="group">
            <h2>"Invite"</h2>
            <Invite answer />
            <Transition>{list}</Transition>
        </section>
    }
}

#[component]
fn Invite(answer: Answer) -> impl IntoView {
    let action = FormAction::<InviteMember>::new();
    let form = Form::new(action, "invite");
    let told = StoredValue::new(use_told::<Invitation>(InviteMember::url()));
    let made = Memo::new(move |_| match action.answer() {
        Some(answer) => answer.ok(),
        None => told.get_value(),
    });
    Effect::new(move |_| {
        if form.is_done() {
            form.reset_after_submit();
            answer.refetch();
        }
    });
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <Field form name="email" label="Email" kind="email" />
            <Select form name="role" label="Role" choices=role_choices() value=Role::Member.to_string() hint=role_hint />
            <Submit form label="Invite member" busy="Inviting…" />
        </ServerForm>
        <div role="status">{move || made.get().map(|invitation| view! { <Link invitation /> })}</div>
    }
}

fn role_hint() -> &'static str {
    "Members manage services, incidents and maintenance. Admins also manage the team and the organization."
}

/// The link of an invitation that has just been made, to copy: this is the only time it is shown.
#[component]
fn Link(invitation: Invitation) -> impl IntoView {
    let email = invitation.email.to_string();
    let what_next = if invitation.is_mailed == Some(true) {
        "It has been sent by mail. It is shown only now and works once, for 7 days."
    } else {
        "No mail is sent: give them this link yourself. It is shown only now and works once, for 7 days."
    };
    view! {
        <div class="card stack shown-once">
            <p>"You invited " <strong>{email}</strong> "."</p>
            <Copyable
                id="invitation-link"
                label="Invitation link"
                text=invitation.link.unwrap_or_default()
                hint=what_next
            />
        </div>
    }
}

#[component]
fn InvitationState(answer: Answer, invitations: Vec<Invitation>) -> impl IntoView {
    if invitations.is_empty() {
        return view! { <p class="hint">"Nobody is invited at the moment."</p> }.into_any();
    }
    let rows = invitations.into_iter().map(|invitation| view! { <Row answer invitation /> }).collect_view();
    view! {
        <ul class="card rows mt-3" aria-label="Invitations">
            {rows}
        </ul>
    }
    .into_any()
}

#[component]
fn Row(answer: Answer, invitation: Invitation) -> impl IntoView {
    let Invitation { id, email, role, expires_at, .. } = invitation;
    let action = FormAction::<RevokeInvitation>::new();
    let form = Form::about(action, "revoke", id);
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    let email = email.to_string();
    view! {
        <li class="row">
            <div class="row-name">
                <span>{email.clone()}</span>
                <p class="hint">{role.label()} " · until " <Time at=expires_at /></p>
            </div>
            <div class="row-actions">
                <ServerForm form>
                    <FormHead form />
                    <input type="hidden" name="id" value=id.to_string() />
                    <button type="submit" class="button" disabled=move || form.is_pending()>
                        "Revoke"
                        <span class="sr-only">" the invitation of "{email}</span>
                    </button>
                </ServerForm>
            </div>
        </li>
    }
}
