//! The domain model: plain data types and pure rules, shared by the server, the browser and every wire format.
//!
//! No I/O, no clock, and no knowledge of a database, a request or a view.

pub mod api_token;
pub mod audit;
pub mod check;
pub mod device;
pub mod error;
pub mod event;
pub mod form_answer;
pub mod identity;
pub mod incident;
pub mod incident_input;
pub mod incident_room;
pub mod json;
pub mod maintenance;
pub mod maintenance_plan;
pub mod own_account;
pub mod page;
mod page_part;
pub mod preview;
pub mod public_status;
pub mod recurrence;
pub mod service;
pub mod slug;
pub mod status;
pub mod status_transition;
pub mod team;
pub mod template;
pub mod time;
pub mod update_input;
pub mod uptime;
mod wire;
pub mod zone;

pub use api_token::{ApiToken, TokenId, TokenRequest, TokenScope};
pub use audit::{
    Action, ActorKind, AuditActor, AuditChange, AuditChanges, AuditEntry, AuditId, AuditPage, AuditTarget,
};
pub use check::Check;
pub use error::{Code, Error, Result};
pub use event::{Audience, Control, Epoch, Event, Frame, IncidentChange, NumberedEvent, Seq};
pub use form_answer::{FormAnswer, FormFailure};
pub use identity::{
    Account, Email, Login, LoginForm, NewOrganization, Organization, OrganizationId, Registration, RegistrationForm,
    SessionId, SignedIn, User, UserId, check_new_password,
};
pub use incident::{
    AffectedService, Impact, ImpactId, Incident, IncidentId, IncidentKind, IncidentStatus, IncidentUpdate, Postmortem,
    ServiceTransition, UpdateEdit, UpdateId,
};
pub use incident_input::{IncidentPatch, NewIncident, ServiceImpact};
pub use incident_room::{Calendar, IncidentList, IncidentRoom};
pub use maintenance::{Automations, MaintenanceSchedule, ScheduledStep, Series, SeriesId};
pub use maintenance_plan::{Conflict, Plan};
pub use own_account::{OwnAccount, RecoveryCodes, SecondFactorSetup, SessionInfo};
pub use page::{Applied, Outage, StatusPage};
pub use page_part::PagePart;
pub use preview::{PreviewInput, StillImpaired};
pub use public_status::{IncidentPage, MonthPage, PublicOrganization, PublicStatus, Timeline};
pub use recurrence::Repeat;
pub use service::{
    GroupId, GroupPatch, History, HistoryEntry, NewGroup, NewService, Placement, Service, ServiceGroup, ServiceId,
    ServicePatch, StatusChange, StatusChangeId,
};
pub use slug::Slug;
pub use status::{Cause, Headline, Indicator, Layers, Role, ServiceStatus};
pub use status_transition::{DerivedStatus, StatusTransition};
pub use team::{Invitation, InvitationId, InvitationRequest, InvitationView, NewMember, RoleRequest, TeamMember};
pub use template::{NewTemplate, Template, TemplateId};
pub use time::Timestamp;
pub use update_input::{NewUpdate, UpdatePatch};
pub use uptime::{Uptime, UptimeDay};
pub use zone::{Day, Month, Zone, ZoneShift};
