//! Erasure: takes something out of whatever was made from it.

use std::sync::atomic::Ordering;

use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter};

use super::Tx;
use crate::{
    model::{IncidentId, Result},
    server::domain::store::event,
};

/// Something that is taken out of the database for good, including what was made from it.
#[derive(Clone, Copy, Debug)]
pub(in crate::server::domain) enum Erasure {
    /// An incident, which has been deleted.
    Incident(IncidentId),
    /// A text of an incident, which has been deleted or replaced.
    Text(IncidentId),
}

impl Tx {
    /// Takes something out of whatever was made from its rows: of stored events and of cached documents. Clients that
    /// missed an event reload the state. Call it after the rows were changed, and before the event of the change is emitted.
    pub(in crate::server::domain) async fn erase(&self, what: Erasure) -> Result<()> {
        self.is_erasing.store(true, Ordering::Relaxed);
        let (Erasure::Incident(id) | Erasure::Text(id)) = what;
        let emptied = event::ActiveModel { frame: Set(String::new()), bytes: Set(0), ..Default::default() };
        let events = self.scope().update::<event::Entity>().set(emptied);
        events.filter(event::Column::IncidentId.eq(id)).exec(&self.db).await?;
        Ok(())
    }
}
