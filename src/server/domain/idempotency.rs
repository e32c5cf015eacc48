//! Idempotency keys: a request that is sent twice is carried out once.

use base64::Engine as _;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{System, store::idempotency_key, tx::Tx};
use crate::{
    model::{Code, Error, Result},
    server::error::internal,
};

/// The longest key.
const KEY_MAX: usize = 128;
/// How long a key is kept, in seconds: one day.
const RETENTION_SECONDS: i64 = 86_400;

/// An idempotency key: chosen by the client, so that sending the request again has no further effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses a key: 1 to 128 visible ASCII characters.
    ///
    /// # Errors
    /// `invalid` for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        let is_good = (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_good {
            return Err(Error::invalid("An Idempotency-Key must have 1 to 128 visible ASCII characters."));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Tx {
    /// The object that the same request with this key created before.
    ///
    /// # Errors
    /// `conflict` when the key was used for another request.
    pub(super) async fn created_before(
        &self,
        key: Option<&IdempotencyKey>,
        operation: &str,
        request: &impl Serialize,
    ) -> Result<Option<Uuid>> {
        let Some(IdempotencyKey(key)) = key else { return Ok(None) };
        let row = self.scope().find_id::<idempotency_key::Entity>(key.as_str()).one(self.db()).await;
        let Some(row) = row? else { return Ok(None) };
        if row.operation != operation || row.fingerprint != fingerprint(request)? {
            let why = "This Idempotency-Key was used for another request. Use a new one.";
            return Err(Error::new(Code::Conflict, why));
        }
        Ok(Some(row.object_id))
    }

    /// Stores the object that the request with this key created.
    pub(super) async fn remember(
        &self,
        key: Option<IdempotencyKey>,
        operation: &str,
        request: &impl Serialize,
        object_id: Uuid,
    ) -> Result<()> {
        let Some(IdempotencyKey(key)) = key else { return Ok(()) };
        idempotency_key::Entity::insert(idempotency_key::ActiveModel {
            org_id: Set(self.organization().id),
            idempotency_key: Set(key),
            operation: Set(operation.to_owned()),
            fingerprint: Set(fingerprint(request)?),
            object_id: Set(object_id),
            created_at: Set(self.now()),
        })
        .exec_without_returning(self.db())
        .await?;
        Ok(())
    }
}

/// Turns `not_found` into a `conflict`: the object that the request created has been deleted since.
pub(super) fn gone_since(error: Error) -> Error {
    match error.code {
        Code::NotFound => Error::new(Code::Conflict, "The object this request created has since been deleted."),
        _ => error,
    }
}

impl System {
    /// Deletes keys past the retention time.
    pub async fn forget_old_keys(&self) -> Result<u64> {
        let oldest = self.domain.database_now().await?.plus_seconds(-RETENTION_SECONDS);
        let old = Condition::all().add(idempotency_key::Column::CreatedAt.lt(oldest));
        self.domain.delete_in_batches::<idempotency_key::Entity>(old).await
    }
}

/// A digest that tells requests apart.
fn fingerprint(request: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(request).map_err(internal)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
}
