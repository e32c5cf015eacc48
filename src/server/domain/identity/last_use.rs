//! When sessions and tokens were last used: noted in the background and at best, so that reading needs no writing.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::{
    model::{OrganizationId, Result, SessionId, Timestamp, TokenId, UserId},
    server::domain::store::{Scope, WriteTx, api_token, membership, session},
};

/// A use to be noted.
#[derive(Clone, Copy, Debug)]
pub(in crate::server::domain) enum Use {
    /// Of a session.
    Session { id: SessionId, user: UserId, organization: OrganizationId },
    /// Of an API token.
    Token { id: TokenId, organization: OrganizationId },
}

impl Use {
    pub(in crate::server::domain) const fn id(self) -> Uuid {
        match self {
            Self::Session { id, .. } => id.uuid(),
            Self::Token { id, .. } => id.uuid(),
        }
    }
}

/// The sessions and tokens whose use is being noted.
#[derive(Default)]
pub(in crate::server::domain) struct LastUses(Arc<Mutex<BTreeSet<Uuid>>>);

impl LastUses {
    /// Claims a session or token until the returned value is dropped; none if it is claimed already.
    pub(in crate::server::domain) fn claim(&self, id: Uuid) -> Option<Claim> {
        locked(&self.0).insert(id).then(|| Claim { ids: self.0.clone(), id })
    }

    /// Whether no use is being noted.
    #[cfg(test)]
    pub(in crate::server::domain) fn is_empty(&self) -> bool {
        locked(&self.0).is_empty()
    }
}

/// A session or token whose use is being noted.
pub(in crate::server::domain) struct Claim {
    ids: Arc<Mutex<BTreeSet<Uuid>>>,
    id: Uuid,
}

impl Drop for Claim {
    fn drop(&mut self) {
        locked(&self.ids).remove(&self.id);
    }
}

fn locked(ids: &Mutex<BTreeSet<Uuid>>) -> MutexGuard<'_, BTreeSet<Uuid>> {
    ids.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Use {
    /// Notes the use.
    #[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
    pub(in crate::server::domain) async fn write(self, tx: &WriteTx, at: Timestamp) -> Result<()> {
        match self {
            Self::Session { id, user, organization } => {
                // In the order of locks: memberships, then sessions.
                let seen = membership::ActiveModel { last_seen_at: Set(Some(at)), ..Default::default() };
                Scope::of(organization).update_id::<membership::Entity>(user).set(seen).exec(tx).await?;
                let seen = session::ActiveModel { last_seen_at: Set(at), ..Default::default() };
                session::Entity::update_many().set(seen).filter(session::Column::Id.eq(id)).exec(tx).await?;
            }
            Self::Token { id, organization } => {
                let seen = api_token::ActiveModel { last_used_at: Set(Some(at)), ..Default::default() };
                Scope::of(organization).update_id::<api_token::Entity>(id).set(seen).exec(tx).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_claimed_once_at_a_time() {
        let (uses, id) = (LastUses::default(), Uuid::from_u128(1));
        let claim = uses.claim(id).expect("free");
        assert!(uses.claim(id).is_none());
        assert!(uses.claim(Uuid::from_u128(2)).is_some());
        drop(claim);
        assert!(uses.claim(id).is_some());
    }
}
