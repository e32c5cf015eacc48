//! The team: members and their roles, invitations, leaving.

use leptos::{prelude::*, server_fn::ServerFn};

use super::invitations::Invitations;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            each::Each,
            field::Select,
            form::{Done, Form, FormHead, Submit},
            role_choices::role_choices,
            time::Time,
        },
        dashboard_state::{LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
        server_fns::{self, LeaveOrganization, RemoveMember, SetMemberRole},
        session::{is_admin, use_account, use_refusal},
    },
    model::{Account, Result, TeamMember, UserId},
};

type TeamResource = Resource<Result<Vec<TeamMember>>>;

/// The page that manages the team.
#[component]
pub fn TeamPage() -> impl IntoView {
    let answer: TeamResource = blocking_resource(|| (), |()| server_fns::team_members());
    view! {
        <Page title="Team">
            // Brings the live feed, which reports a change of the reader's own role.
            <WhenLoaded let:_board>
                <TeamContent answer />
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn TeamContent(answer: TeamResource) -> impl IntoView {
    let account = use_account();
    let is_admin = account.as_ref().is_some_and(is_admin);
    view! {
        <Transition>
            <TeamMembers answer account />
        </Transition>
        {is_admin.then(|| view! { <Invitations /> })}
        <section class="group">
            <h2>"Leave"</h2>
            <LeaveForm />
        </section>
    }
}

#[component]
fn TeamMembers(answer: TeamResource, account: Option<Account>) -> impl IntoView {
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <LoadError error /> }.into_any(),
        Some(None) => view! { <MemberList answer account=account.clone() /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn MemberList(answer: TeamResource, account: Option<Account>) -> impl IntoView {
    let members = Memo::new(move |_| answer.get().and_then(Result::ok).unwrap_or_default());
    let ids = Memo::new(move |_| members.with(|all| all.iter().map(|member| member.id).collect::<Vec<_>>()));
    let me = account.as_ref().map(|account| account.user.id);
    let may_change = account.as_ref().is_some_and(is_admin);
    let row = move |id: UserId| {
        let find = move || members.with(|all| all.iter().find(|member| member.id == id).cloned());
        let first = find()?;
        let member = Memo::new(move |_| find().unwrap_or_else(|| first.clone()));
        let is_me = me == Some(id);
        Some(view! { <MemberRow answer member is_me may_change=may_change && !is_me /> })
    };
    view! {
        <ul class="card rows" aria-label="Members">
            <Each each=move || ids.get() key=|id| *id let:id>
                {row(id)}
            </Each>
        </ul>
    }
}

#[component]
fn MemberRow(answer: TeamResource, member: Memo<TeamMember>, is_me: bool, may_change: bool) -> impl IntoView {
    let TeamMember { id, name, email, has_two_factor, .. } = member.get_untracked();
    let seen = Memo::new(move |_| member.with(|member| member.last_seen_at));
    let seen = move || match seen.get() {
        Some(at) => view! { "Last seen " <Time at /> }.into_any(),
        None => "Not seen yet".into_any(),
    };
    view! {
        <li class="row member">
            <div class="row-name">
                <span dir="auto">{name.clone()}</span>
                {is_me.then_some(" (you)")}
                <p class="hint">{email.to_string()}</p>
            </div>
            <p class="row-role">
                {move || member.with(|member| member.role.label())}
                {has_two_factor.then(|| view! { <span class="meta">" · two-factor on"</span> })}
            </p>
            <p class="row-time meta">{seen}</p>
            {may_change.then(|| view! { <MemberActions answer member id name /> })}
        </li>
    }
}

/// The forms to change a member's role and to remove them.
#[component]
fn MemberActions(answer: TeamResource, member: Memo<TeamMember>, id: UserId, name: String) -> impl IntoView {
    let is_refused = [SetMemberRole::url(), RemoveMember::url()]
        .iter()
        .any(|form| use_refusal(form, Some(&id.to_string())).is_some());
    view! {
        <details class="fold" open=is_refused>
            <summary>"Change role or remove " <span class="sr-only">{name.clone()}</span></summary>
            <div class="stack">
                <SetRoleForm answer member id name=name.clone() />
                <RemoveMemberForm answer id name />
            </div>
        </details>
    }
}

#[component]
fn SetRoleForm(answer: TeamResource, member: Memo<TeamMember>, id: UserId, name: String) -> impl IntoView {
    let action = FormAction::<SetMemberRole>::new();
    let form = Form::about(action, "role", id);
    refetch_when_done(answer, form);
    let role = Memo::new(move |_| member.with(|member| member.role.to_string()));
    view! {
        <ServerForm form class="stack" novalidate=true>
            <FormHead form />
            <input type="hidden" name="id" value=id.to_string() />
            <Select form name="role" label=format!("Role of {name}") choices=role_choices() value=role />
            <div class="actions">
                <Submit form label="Set role" busy="Setting…" class="button" to=format!(" of {name}") />
                <Done form text="Role changed." />
            </div>
        </ServerForm>
    }
}

#[component]
fn RemoveMemberForm(answer: TeamResource, id: UserId, name: String) -> impl IntoView {
    let action = FormAction::<RemoveMember>::new();
    let form = Form::about(action, "remove", id);
    let to = format!(": {name}");
    refetch_when_done(answer, form);
    view! {
        <ServerForm form class="stack">
            <FormHead form />
            <input type="hidden" name="id" value=id.to_string() />
            <p class="hint">
                <bdi>{name}</bdi>
                " loses access immediately, and the API tokens and invitations they created stop working. Their updates stay."
            </p>
            <div class="actions">
                <Submit
                    form
                    label="Remove from team"
                    busy="Removing…"
                    class="button button-danger"
                    to
                />
            </div>
        </ServerForm>
    }
}

/// The collapsed form that leaves the organization.
#[component]
fn LeaveForm() -> impl IntoView {
    let action = FormAction::<LeaveOrganization>::new();
    let form = Form::new(action, "leave");
    let is_refused = use_refusal(LeaveOrganization::url(), None).is_some();
    view! {
        <details class="fold" open=is_refused>
            <summary>"Leave organization"</summary>
            <ServerForm form class="card stack">
                <FormHead form />
                <p>
                    "You lose access immediately, and the API tokens and invitations you created stop working. You’ll need an invitation to come back."
                </p>
                <div class="actions">
                    <Submit form label="Leave now" busy="Leaving…" class="button button-danger" />
                </div>
            </ServerForm>
        </details>
    }
}

fn refetch_when_done(answer: TeamResource, form: Form) {
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
}
