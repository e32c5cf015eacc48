//! The second factor: TOTP codes of an authenticator app (RFC 6238), and recovery codes in case it is lost.

use qrcode::{Color, QrCode};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use totp_rs::{Builder, Secret, Totp};

use super::{
    people::{audit_everywhere, lock_user, update_user, user_by_email},
    secrets::hash_of,
    sessions::delete_sessions,
};
use crate::{
    model::{Action, Code, Email, Error, RecoveryCodes, Result, SecondFactorSetup, Timestamp, UserId},
    server::{
        domain::{
            Person, Reauthenticated, System,
            audit::{Actor, AuditEvent},
            store::{Lane, WriteTx, recovery_code, user_account},
        },
        encryption::Seal,
        error::internal,
    },
};

/// The number of recovery codes.
const RECOVERY_CODES: usize = 10;
/// The alphabet of recovery codes, without characters that are easily confused: 32 characters, five bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The length of a recovery code without hyphens: 80 bits.
const CODE_LENGTH: usize = 16;
/// The light margin of a QR code, in modules.
const QUIET_ZONE: usize = 4;

/// The kind of a code that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::domain) enum CodeKind {
    /// A code of the authenticator app.
    App,
    /// A recovery code.
    Recovery,
}

impl Reauthenticated {
    /// Begins the setup of a second factor: generates the seed, which is not used until a code confirms it.
    ///
    /// # Errors
    /// `conflict` when there is one already.
    pub async fn begin_second_factor(&self, seal: &Seal) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        if self.user_row(&tx).await?.totp_since.is_some() {
            return Err(already_enabled());
        }
        self.audit(&tx, AuditEvent::new(Action::TwoFactorBegun)).await?;
        self.lock_current_session(&tx).await?;
        let seed: [u8; 20] = rand::random();
        let change = user_account::ActiveModel {
            totp_secret: Set(seal.seal(&seed, self.user().uuid().as_bytes())?),
            totp_step: Set(0),
            ..Default::default()
        };
        update_user(&tx, self.user(), change).await?;
        Ok(tx.commit().await?)
    }

    /// The seed for the authenticator app, as text, URI and QR code, during the setup.
    ///
    /// # Errors
    /// `not_found` when no setup has begun.
    pub async fn second_factor_setup(&self, seal: &Seal) -> Result<SecondFactorSetup> {
        let user = self.user_row(self.db()).await?;
        if user.totp_since.is_some() || user.totp_secret.is_empty() {
            return Err(Error::not_found());
        }
        setup(&self.account().user.email, &seed_of(seal, &user)?)
    }

    /// Turns the second factor on, once a code shows that the app has the seed. Returns the recovery codes.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `not_found` when no setup has begun.
    pub async fn enable_second_factor(&self, seal: &Seal, code: &str) -> Result<RecoveryCodes> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(self.user()).await?;
        let user = self.user_row(&tx).await?;
        if user.totp_since.is_some() {
            return Err(already_enabled());
        }
        if user.totp_secret.is_empty() {
            return Err(Error::not_found());
        }
        let step = step_of(&seed_of(seal, &user)?, &normalized(code), now)?.ok_or_else(wrong_code)?;
        self.audit(&tx, AuditEvent::new(Action::TwoFactorEnabled)).await?;
        self.lock_current_session(&tx).await?;
        let change =
            user_account::ActiveModel { totp_since: Set(Some(now)), totp_step: Set(step), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        let codes = replace_codes(&tx, user.id).await?;
        tx.commit().await?;
        Ok(codes)
    }
}

impl Person {
    /// Turns the second factor off. The caller has verified the password.
    ///
    /// # Errors
    /// `not_found` when there is none, `unauthorized` when this session has ended in the meantime.
    pub async fn disable_second_factor(&self) -> Result<()> {
        let tx = self.begin_with_factor().await?;
        self.audit(&tx, AuditEvent::new(Action::TwoFactorDisabled)).await?;
        self.lock_current_session(&tx).await?;
        remove_second_factor(&tx, self.user()).await?;
        Ok(tx.commit().await?)
    }

    /// Replaces the recovery codes. The caller has verified the password.
    ///
    /// # Errors
    /// `not_found` without a second factor, `unauthorized` when this session has ended in the meantime.
    pub async fn renew_recovery_codes(&self) -> Result<RecoveryCodes> {
        let tx = self.begin_with_factor().await?;
        self.audit(&tx, AuditEvent::new(Action::RecoveryCodesRenewed)).await?;
        self.lock_current_session(&tx).await?;
        let codes = replace_codes(&tx, self.user()).await?;
        tx.commit().await?;
        Ok(codes)
    }

    async fn begin_with_factor(&self) -> Result<WriteTx> {
        let tx = self.domain.begin(self.user()).await?;
        match self.user_row(&tx).await?.totp_since {
            Some(_) => Ok(tx),
            None => Err(Error::not_found()),
        }
    }
}

impl System {
    /// Turns off the second factor of a user who has lost the app and the recovery codes, and ends their sessions.
    ///
    /// # Errors
    /// `not_found` when nobody has this address, or they have no second factor.
    pub async fn reset_second_factor(&self, email: &Email) -> Result<()> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(Lane::System).await?;
        let user = user_by_email(&tx, email.as_str())
            .await?
            .filter(|user| user.totp_since.is_some())
            .ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::TwoFactorDisabled).on("user", user.id, &user.name);
        audit_everywhere(&tx, user.id, now, &Actor::system(), audit_event).await?;
        lock_user(&tx, user.id).await?;
        remove_second_factor(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(())
    }
}

async fn remove_second_factor(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    let change = user_account::ActiveModel {
        totp_secret: Set(String::new()),
        totp_since: Set(None),
        totp_step: Set(0),
        ..Default::default()
    };
    update_user(db, user, change).await?;
    delete_codes(db, user).await
}

/// Verifies and uses up a code of the app or a recovery code. None if it is wrong or was used before; of two concurrent
/// requests with the same code, one succeeds.
#[expect(clippy::disallowed_methods, reason = "what belongs to a user belongs to no organization")]
pub(in crate::server::domain) async fn use_code(
    tx: &WriteTx,
    seal: &Seal,
    user: &user_account::Model,
    code: &str,
    now: Timestamp,
) -> Result<Option<CodeKind>> {
    let code = normalized(code);
    if code.len() != 6 {
        let deleted = recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::UserId.eq(user.id))
            .filter(recovery_code::Column::CodeHash.eq(hash_of(&code)))
            .exec(tx)
            .await?;
        return Ok((deleted.rows_affected == 1).then_some(CodeKind::Recovery));
    }
    let Ok(seed) = seed_of(seal, user) else {
        let why = "Codes from your authenticator app cannot be verified because this server's key has changed. Use a \
                   recovery code.";
        return Err(Error::field("code", why));
    };
    let Some(step) = step_of(&seed, &code, now)? else { return Ok(None) };
    // Encrypted with the current key again, so that older keys can be retired.
    let totp_secret = Set(seal.seal(&seed, user.id.uuid().as_bytes())?);
    let updated = user_account::Entity::update_many()
        .set(user_account::ActiveModel { totp_step: Set(step), totp_secret, ..Default::default() })
        .filter(user_account::Column::Id.eq(user.id))
        .filter(user_account::Column::TotpStep.lt(step))
        .exec(tx)
        .await?;
    Ok((updated.rows_affected == 1).then_some(CodeKind::App))
}

/// Normalizes a code: people type spaces, hyphens and capitals.
fn normalized(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(|c| c.to_ascii_lowercase()).collect()
}

/// The error for a wrong code.
pub fn wrong_code() -> Error {
    Error::field("code", "This code is wrong or has been used before. Wait for the next one and try again.")
}

fn already_enabled() -> Error {
    Error::new(Code::Conflict, "Two-factor authentication is already on. Turn it off before you set it up again.")
}

fn seed_of(seal: &Seal, user: &user_account::Model) -> Result<Vec<u8>> {
    seal.open(&user.totp_secret, user.id.uuid().as_bytes())
        .ok_or_else(|| internal("a TOTP seed was encrypted with another key: the server's secret has changed"))
}

/// The TOTP of a seed: six digits, 30 seconds per step, one step early or late accepted.
fn totp(seed: &[u8]) -> Result<Totp> {
    Builder::new().with_secret(seed.to_vec()).with_skew(1).build().map_err(internal)
}

/// The time step of a code, if it is right.
fn step_of(seed: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>> {
    let seconds = u64::try_from(now.millis() / 1000)?;
    totp(seed)?.check(code, seconds).map(|step| i64::try_from(step).map_err(internal)).transpose()
}

fn setup(email: &Email, seed: &[u8]) -> Result<SecondFactorSetup> {
    let secret = Secret::from(seed.to_vec()).to_base32();
    let account: String = form_urlencoded::byte_serialize(email.as_str().as_bytes()).collect();
    let uri = format!("otpauth://totp/Aldis:{account}?secret={secret}&issuer=Aldis&algorithm=SHA1&digits=6&period=30");
    let code = QrCode::new(&uri).map_err(internal)?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let path: Vec<String> =
        dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET_ZONE, at / width + QUIET_ZONE)).collect();
    Ok(SecondFactorSetup { secret, uri, size: width + 2 * QUIET_ZONE, path: path.concat() })
}

async fn replace_codes(db: &impl ConnectionTrait, user: UserId) -> Result<RecoveryCodes> {
    delete_codes(db, user).await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_code()).collect();
    let rows = codes
        .iter()
        .map(|code| recovery_code::ActiveModel { user_id: Set(user), code_hash: Set(hash_of(&normalized(code))) });
    recovery_code::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(RecoveryCodes { codes })
}

#[expect(clippy::disallowed_methods, reason = "what belongs to a user belongs to no organization")]
async fn delete_codes(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user)).exec(db).await?;
    Ok(())
}

/// A recovery code, in groups of four.
fn new_code() -> String {
    let bytes: [u8; CODE_LENGTH] = rand::random();
    let characters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_29_codes_match_the_rfc_one_step_early_or_late() {
        // RFC 6238, appendix B, the last six digits.
        let seed = b"12345678901234567890";
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        assert_eq!(step_of(seed, "287082", at(59)), Ok(Some(1)));
        assert_eq!(step_of(seed, "081804", at(1_111_111_109)), Ok(Some(37_037_036)));
        for (offset, is_right) in [(-60, false), (-30, true), (30, true), (61, false)] {
            assert_eq!(step_of(seed, "081804", at(1_111_111_109 + offset)).expect("no error").is_some(), is_right);
        }
        for wrong in ["", "28708", "2870822", "+87082", "abcdef"] {
            assert_eq!(step_of(seed, wrong, at(59)), Ok(None), "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_are_long_and_are_normalized() {
        let (one, two) = (new_code(), new_code());
        assert!(one != two && one.len() == 19, "{one}");
        assert_eq!(normalized(&format!(" {} ", one.to_uppercase().replace('-', " "))), normalized(&one));
        assert_eq!(normalized(&one).len(), CODE_LENGTH);
    }

    #[test]
    fn the_otpauth_uri_escapes_the_email_address() {
        let email = "ada&secret=x@example.com".parse().expect("an address");
        let setup = setup(&email, b"12345678901234567890").expect("set up");
        assert!(setup.uri.starts_with("otpauth://totp/Aldis:ada%26secret%3Dx%40example.com?secret=GEZDGNBV"));
        assert!(setup.size > 29 && setup.path.starts_with("M4 4h1v1h-1z"));
    }
}
