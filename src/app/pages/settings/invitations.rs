//! Inviting members, and pending invitations.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            copyable::Copyable,
            field::{Field, Select},
            form::{Form, FormHead, Submit},
            role_choices::role_choices,
            time::Time,
        },
        dashboard_state::LoadError,
        resource::{Resource, blocking_resource},
        server_fns::{self, InviteMember, RevokeInvitation},
        session::use_one_time_answer,
    },
    model::{Invitation, Result, Role},
};

type InvitationsResource = Resource<Result<Vec<Invitation>>>;

/// The form that invites a member, and the pending invitations.
#[component]
pub fn Invitations() -> impl IntoView {
    let answer: InvitationsResource = blocking_resource(|| (), |()| server_fns::list_invitations());
    let list = move || {
        answer.get().map(|answered| match answered {
            Ok(invitations) => view! { <InvitationList answer invitations /> }.into_any(),
            Err(error) => view! { <LoadError error /> }.into_any(),
        })
    };
    view! {
        <section class="group">
            <h2>"Invite"</h2>
            <InviteForm answer />
            <Transition>{list}</Transition>
        </section>
    }
}

#[component]
fn InviteForm(answer: InvitationsResource) -> impl IntoView {
    let action = FormAction::<InviteMember>::new();
    let form = Form::new(action, "invite");
    let answered = StoredValue::new(use_one_time_answer::<Invitation>(InviteMember::url()));
    let made = Memo::new(move |_| match action.answer() {
        Some(answer) => answer.ok(),
        None => answered.get_value(),
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
        <div role="status">{move || made.get().map(|invitation| view! { <InvitationLink invitation /> })}</div>
    }
}

fn role_hint() -> &'static str {
    "Members manage services, incidents and maintenance. Admins also manage the team and the organization."
}

/// The link of a new invitation; shown once.
#[component]
fn InvitationLink(invitation: Invitation) -> impl IntoView {
    let email = invitation.email.to_string();
    let hint = if invitation.is_mailed == Some(true) {
        "We’ve emailed them this link. It works once, expires in 7 days and won’t be shown again."
    } else {
        "No email was sent, so share this link yourself. It works once, expires in 7 days and won’t be shown again."
    };
    view! {
        <div class="card stack shown-once">
            <p>"You invited " <strong>{email}</strong> "."</p>
            <Copyable
                id="invitation-link"
                label="Invitation link"
                text=invitation.link.unwrap_or_default()
                hint
            />
        </div>
    }
}

#[component]
fn InvitationList(answer: InvitationsResource, invitations: Vec<Invitation>) -> impl IntoView {
    if invitations.is_empty() {
        return view! { <p class="hint">"No pending invitations."</p> }.into_any();
    }
    let rows = invitations.into_iter().map(|invitation| view! { <InvitationRow answer invitation /> }).collect_view();
    view! {
        <ul class="card rows mt-3" aria-label="Invitations">
            {rows}
        </ul>
    }
    .into_any()
}

#[component]
fn InvitationRow(answer: InvitationsResource, invitation: Invitation) -> impl IntoView {
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
                <p class="hint">{role.label()} " · expires " <Time at=expires_at /></p>
            </div>
            <div class="row-actions">
                <ServerForm form>
                    <FormHead form />
                    <input type="hidden" name="id" value=id.to_string() />
                    <button type="submit" class="button" disabled=move || form.is_pending()>
                        "Revoke"
                        <span class="sr-only">" invitation for "{email}</span>
                    </button>
                </ServerForm>
            </div>
        </li>
    }
}
