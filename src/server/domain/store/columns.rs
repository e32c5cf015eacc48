//! Teaches sea-orm the model's ids, words and instants, so that `model` stays plain.

use std::sync::Arc;

use sea_orm::{
    ActiveValue, ColIdx, DbErr, IntoActiveValue, QueryResult, TryFromU64, TryGetError, TryGetable, Value,
    sea_query::{ArrayType, ColumnType, Nullable, StringLen, ValueType, ValueTypeErr},
};
use uuid::Uuid;

use crate::model::{
    Action, ActorKind, Audience, AuditId, Cause, GroupId, Impact, ImpactId, IncidentId, IncidentKind, IncidentStatus,
    InvitationId, OrganizationId, Role, SeriesId, ServiceId, ServiceStatus, SessionId, StatusChangeId, TemplateId,
    Timestamp, TokenId, TokenScope, UpdateId, UserId,
};

/// Implements the storage traits of `$name` through a stored type and two conversions.
macro_rules! stored {
    ($name:ty as $stored:ty, $array:ident, $column:expr, $to:expr, $from:expr) => {
        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                $to(value).into()
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let stored = <$stored as TryGetable>::try_get_by(row, index)?;
                $from(stored).ok_or_else(|| {
                    TryGetError::DbErr(DbErr::TryIntoErr {
                        from: stringify!($stored),
                        into: stringify!($name),
                        source: Arc::new(std::io::Error::other("not a value this version knows")),
                    })
                })
            }
        }

        impl ValueType for $name {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                $from(<$stored as ValueType>::try_from(value)?).ok_or(ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::$array
            }

            fn column_type() -> ColumnType {
                $column
            }
        }

        impl Nullable for $name {
            fn null() -> Value {
                <$stored as Nullable>::null()
            }
        }

        impl IntoActiveValue<$name> for $name {
            fn into_active_value(self) -> ActiveValue<$name> {
                ActiveValue::Set(self)
            }
        }

        // Asked of every primary key; ours are never counted up by a database.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

macro_rules! id_columns {
    ($($name:ident),+) => {$(
        stored!($name as Uuid, Uuid, ColumnType::Uuid, $name::uuid, |uuid| Some($name::from_uuid(uuid)));
    )+};
}

macro_rules! word_columns {
    ($($name:ident),+) => {$(
        stored!($name as String, String, ColumnType::String(StringLen::N(32)), $name::as_str, |text: String| {
            text.parse().ok()
        });
    )+};
}

id_columns!(OrganizationId, UserId, SessionId, ServiceId, GroupId, StatusChangeId);
id_columns!(IncidentId, UpdateId, ImpactId, SeriesId, TemplateId);
id_columns!(InvitationId, TokenId, AuditId);
word_columns!(ServiceStatus, Cause, Role, Audience, IncidentKind, IncidentStatus, Impact);
word_columns!(TokenScope, Action, ActorKind);
stored!(Timestamp as i64, BigInt, ColumnType::BigInteger, Timestamp::millis, |millis| Some(Timestamp::from_millis(
    millis
)));
