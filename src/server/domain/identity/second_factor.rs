//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes for when it is lost.

use qrcode::{Color, QrCode};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use totp_rs::{Builder, Secret, Totp};

use super::{
    own_account::{note_everywhere, update_user},
    registration::{held, person_at},
    secrets::hash_of,
    sessions::delete_sessions,
};
use crate::{
    model::{Action, Email, Error, RecoveryCodes, Result, SecondFactorSetup, Timestamp, UserId},
    server::{
        auth::encryption::Seal,
        domain::{
            Person, Reauthenticated, System,
            audit::{Actor, AuditEvent},
            store::{self, recovery_code, user_account},
        },
        error::internal,
    },
};

/// How many recovery codes there are.
const CODES: usize = 10;
/// What recovery codes are written with: nothing that is read as something else. 32 characters, five bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// The characters of a recovery code, without the hyphens: 80 bits.
const LETTERS_OF_CODE: usize = 16;
/// Light modules around a QR code.
const QUIET: usize = 4;

/// What a code was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server::domain) enum Spent {
    /// One of the app's.
    Step,
    /// One of the recovery codes.
    RecoveryCode,
}

impl Reauthenticated {
    /// Begins to set up a second factor: makes the seed, which counts for nothing until a code of it has been given.
    ///
    /// # Errors
    /// `conflict` when there is a second factor.
    pub async fn begin_second_factor(&self, seal: &Seal) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        if self.user_row(&tx).await?.totp_since.is_some() {
            return Err(already());
        }
        self.audit(&tx, AuditEvent::new(Action::TwoFactorBegun)).await?;
        self.held_here(&tx).await?;
        let seed: [u8; 20] = rand::random();
        let change = user_account::ActiveModel {
            totp_secret: Set(seal.seal(&seed, self.user().uuid().as_bytes())?),
            totp_step: Set(0),
            ..Default::default()
        };
        update_user(&tx, self.user(), change).await?;
        Ok(tx.commit().await?)
    }

    /// What the app needs, while the second factor is being set up.
    ///
    /// # Errors
    /// `not_found` when none is.
    pub async fn second_factor_setup(&self, seal: &Seal) -> Result<SecondFactorSetup> {
        let user = self.user_row(self.db()).await?;
        if user.totp_since.is_some() || user.totp_secret.is_empty() {
            return Err(Error::not_found());
        }
        setup(&self.account().user.email, &seed_of(seal, &user)?)
    }

    /// Asks for the second factor from now on, as a code shows that the app has the seed. Tells the recovery codes.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `not_found` when nothing was begun.
    pub async fn enable_second_factor(&self, seal: &Seal, code: &str) -> Result<RecoveryCodes> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let user = self.user_row(&tx).await?;
        if user.totp_since.is_some() {
            return Err(already());
        }
        if user.totp_secret.is_empty() {
            return Err(Error::not_found());
        }
        let step = step_of(&seed_of(seal, &user)?, &normal(code), now)?.ok_or_else(wrong_code)?;
        self.audit(&tx, AuditEvent::new(Action::TwoFactorEnabled)).await?;
        self.held_here(&tx).await?;
        let change =
            user_account::ActiveModel { totp_since: Set(Some(now)), totp_step: Set(step), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        let codes = renew_codes(&tx, user.id).await?;
        tx.commit().await?;
        Ok(codes)
    }
}

impl Person {
    /// Takes the second factor away. The password has just been asked for.
    ///
    /// # Errors
    /// `not_found` when there is none, `unauthorized` when this session has ended meanwhile.
    pub async fn disable_second_factor(&self) -> Result<()> {
        let tx = self.begin_with_factor().await?;
        self.audit(&tx, AuditEvent::new(Action::TwoFactorDisabled)).await?;
        self.held_here(&tx).await?;
        take_away(&tx, self.user()).await?;
        Ok(tx.commit().await?)
    }

    /// Makes new recovery codes; the old ones are good for nothing. The password has just been asked for.
    ///
    /// # Errors
    /// `not_found` without a second factor, `unauthorized` when this session has ended meanwhile.
    pub async fn renew_recovery_codes(&self) -> Result<RecoveryCodes> {
        let tx = self.begin_with_factor().await?;
        self.audit(&tx, AuditEvent::new(Action::RecoveryCodesRenewed)).await?;
        self.held_here(&tx).await?;
        let codes = renew_codes(&tx, self.user()).await?;
        tx.commit().await?;
        Ok(codes)
    }

    async fn begin_with_factor(&self) -> Result<DatabaseTransaction> {
        let tx = store::begin(self.domain.db()).await?;
        match self.user_row(&tx).await?.totp_since {
            Some(_) => Ok(tx),
            None => Err(Error::not_found()),
        }
    }
}

impl System {
    /// Takes the second factor of a person away who lost the app and the recovery codes, and ends their sessions.
    ///
    /// # Errors
    /// `not_found` when nobody has this address, or they have no second factor.
    pub async fn reset_second_factor(&self, email: &Email) -> Result<()> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let user = person_at(&tx, email.as_str()).await?.filter(|user| user.totp_since.is_some());
        let user = user.ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::TwoFactorDisabled).on("user", user.id, &user.name);
        note_everywhere(&tx, user.id, now, &Actor::system(), audit_event).await?;
        held(&tx, user.id).await?;
        take_away(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.domain.tell_ends(ended);
        Ok(())
    }
}

async fn take_away(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    let change = user_account::ActiveModel {
        totp_secret: Set(String::new()),
        totp_since: Set(None),
        totp_step: Set(0),
        ..Default::default()
    };
    update_user(db, user, change).await?;
    delete_codes(db, user).await
}

/// Uses a code up, the app's or a recovery code; nothing when it is wrong or was used before. Of two that come with the
/// same code at once, one gets it.
#[expect(clippy::disallowed_methods, reason = "what belongs to a person belongs to no organization")]
pub(in crate::server::domain) async fn spend(
    tx: &DatabaseTransaction,
    seal: &Seal,
    user: &user_account::Model,
    code: &str,
    now: Timestamp,
) -> Result<Option<Spent>> {
    let code = normal(code);
    if code.len() != 6 {
        let found = recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::UserId.eq(user.id))
            .filter(recovery_code::Column::CodeHash.eq(hash_of(&code)));
        let taken = found.exec(tx).await?.rows_affected;
        return Ok((taken == 1).then_some(Spent::RecoveryCode));
    }
    let Ok(seed) = seed_of(seal, user) else {
        let why = "Codes of your app cannot be checked any more, since the key of this server was changed. Use one of \
                   your recovery codes.";
        return Err(Error::field("code", why));
    };
    let Some(step) = step_of(&seed, &code, now)? else { return Ok(None) };
    // Kept under the present key from now on, so that an older one can be given up.
    let totp_secret = Set(seal.seal(&seed, user.id.uuid().as_bytes())?);
    let taken = user_account::Entity::update_many()
        .set(user_account::ActiveModel { totp_step: Set(step), totp_secret, ..Default::default() })
        .filter(user_account::Column::Id.eq(user.id))
        .filter(user_account::Column::TotpStep.lt(step));
    let taken = taken.exec(tx).await?.rows_affected;
    Ok((taken == 1).then_some(Spent::Step))
}

/// A code as it is compared: people type spaces, hyphens and capitals.
fn normal(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(|c| c.to_ascii_lowercase()).collect()
}

/// The refusal of a code.
pub fn wrong_code() -> Error {
    Error::field("code", "This code is wrong, or has been used before. Wait for the next one and try again.")
}

fn already() -> Error {
    Error::new(
        crate::model::Code::Conflict,
        "There is a second factor already. Take it away before you set up another.",
    )
}

fn seed_of(seal: &Seal, user: &user_account::Model) -> Result<Vec<u8>> {
    seal.open(&user.totp_secret, user.id.uuid().as_bytes())
        .ok_or_else(|| internal("a second factor was kept under another key: the server's secret has changed"))
}

/// The codes of a seed: six digits, every half minute, one step early or late allowed.
fn app(seed: &[u8]) -> Result<Totp> {
    Builder::new().with_secret(seed.to_vec()).with_skew(1).build().map_err(internal)
}

/// The step whose code this is.
fn step_of(seed: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>> {
    let seconds = u64::try_from(now.millis() / 1000)?;
    app(seed)?.check(code, seconds).map(|step| i64::try_from(step).map_err(internal)).transpose()
}

fn setup(email: &Email, seed: &[u8]) -> Result<SecondFactorSetup> {
    let secret = Secret::from(seed.to_vec()).to_base32();
    let account: String = form_urlencoded::byte_serialize(email.as_str().as_bytes()).collect();
    let uri = format!("otpauth://totp/Aldis:{account}?secret={secret}&issuer=Aldis&algorithm=SHA1&digits=6&period=30");
    let code = QrCode::new(&uri).map_err(internal)?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == Color::Dark);
    let path: Vec<String> =
        dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET)).collect();
    Ok(SecondFactorSetup { secret, uri, size: width + 2 * QUIET, path: path.concat() })
}

async fn renew_codes(db: &impl ConnectionTrait, user: UserId) -> Result<RecoveryCodes> {
    delete_codes(db, user).await?;
    let codes: Vec<String> = (0..CODES).map(|_| new_code()).collect();
    let rows = codes
        .iter()
        .map(|code| recovery_code::ActiveModel { user_id: Set(user), code_hash: Set(hash_of(&normal(code))) });
    recovery_code::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(RecoveryCodes { codes })
}

#[expect(clippy::disallowed_methods, reason = "what belongs to a person belongs to no organization")]
async fn delete_codes(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    let theirs = recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user));
    theirs.exec(db).await?;
    Ok(())
}

/// A recovery code, in groups of four.
fn new_code() -> String {
    let bytes: [u8; LETTERS_OF_CODE] = rand::random();
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_29_codes_are_those_of_the_standard_one_step_early_or_late() {
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
    fn recovery_codes_are_long_and_read_however_they_are_typed() {
        let (one, two) = (new_code(), new_code());
        assert!(one != two && one.len() == 19, "{one}");
        assert_eq!(normal(&format!(" {} ", one.to_uppercase().replace('-', " "))), normal(&one));
        assert_eq!(normal(&one).len(), LETTERS_OF_CODE);
    }

    #[test]
    fn the_address_for_the_app_survives_strange_addresses() {
        let email = "ada&secret=x@example.com".parse().expect("an address");
        let setup = setup(&email, b"12345678901234567890").expect("set up");
        assert!(setup.uri.starts_with("otpauth://totp/Aldis:ada%26secret%3Dx%40example.com?secret=GEZDGNBV"));
        assert!(setup.size > 29 && setup.path.starts_with("M4 4h1v1h-1z"));
    }
}
