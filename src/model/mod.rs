//! What things are: plain data and pure rules, shared by the server, the browser and every wire format.
//!
//! Nothing here does I/O, reads a clock or knows a database, a request or a view.

pub mod account;
pub mod check;
pub mod error;
pub mod event;
pub mod form;
pub mod page;
pub mod public_status;
pub mod service;
pub mod slug;
pub mod status;
pub mod time;
pub mod uptime;
mod wire;

pub use account::{
    Account, Email, Login, LoginForm, Organization, OrganizationId, Registration, RegistrationForm, SessionId,
    SignedIn, User, UserId,
};
pub use error::{Code, Error, Result};
pub use event::{Audience, Control, Event, Frame, NumberedEvent, Seq};
pub use form::FormFailure;
pub use page::{Applied, StatusPage};
pub use public_status::{PublicOrganization, PublicStatus, Timeline};
pub use service::{
    GroupId, GroupPatch, History, HistoryEntry, NewGroup, NewService, Placement, Service, ServiceGroup, ServiceId,
    ServicePatch, StatusChange, StatusChangeId,
};
pub use slug::Slug;
pub use status::{Cause, Headline, Indicator, Layers, Role, ServiceStatus};
pub use time::Timestamp;
pub use uptime::{Uptime, UptimeDay};
