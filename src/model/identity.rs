//! Who there is: organizations, people and how they sign in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Error, Result, Role, Slug, Timestamp,
    check::{Check, NAME_MAX},
    wire::id,
};

id! {
    /// Names an organization.
    OrganizationId;
    /// Names a person.
    UserId;
    /// Names one sign-in on one device or program.
    SessionId;
}

/// A tenant: a team with its services, members and one public page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, as the public page shows it.
    pub name: String,
    /// The address of its public page: `/public/{slug}`.
    pub slug: Slug,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A person, as a member of the organization their session acts in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address, in lower case.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// What they may do in this organization.
    pub role: Role,
    /// The organization this session acts in.
    pub organization_id: OrganizationId,
    /// When they first registered.
    pub created_at: Timestamp,
}

/// Who is signed in, and where they act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// The person.
    pub user: User,
    /// The organization.
    pub organization: Organization,
}

/// The answer to a registration or a login over REST.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedIn {
    /// The token to send as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// When the token ends at the latest.
    pub expires_at: Timestamp,
    /// The person.
    pub user: User,
    /// The organization.
    pub organization: Organization,
}

/// An e-mail address, in lower case: how a person signs in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = "email", max_length = 254, example = "ada@example.com")]
pub struct Email(String);

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Error;

    /// Accepts what mail servers accept in practice: one `@`, a local part of at most 64 bytes, and a domain of
    /// letters, digits, hyphens and dots. Whether it exists, only a letter can tell.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let local_ok = |local: &str| {
            (1..=64).contains(&local.len())
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
        };
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        match text.split_once('@') {
            Some((local, domain))
                if text.len() <= 254 && local_ok(local) && domain.contains('.') && domain.split('.').all(label_ok) =>
            {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(Error::invalid("Enter an e-mail address, for example ada@example.com.")),
        }
    }
}

impl TryFrom<String> for Email {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|error: Error| error.message)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to create an organization and its first admin, as typed.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ada@example.com", "password": "a long and private sentence", "name": "Ada", "organization_name": "Acme",
}))]
pub struct RegistrationForm {
    /// How the admin will sign in.
    pub email: String,
    /// 12 to 128 characters, hard to guess.
    #[schema(format = Password)]
    pub password: String,
    /// The admin's name.
    pub name: String,
    /// The organization's name.
    pub organization_name: String,
    /// The address of its page; proposed from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

/// A registration whose fields have been checked; the password's strength is the server's to judge.
#[derive(Clone)]
pub struct Registration {
    /// How the admin will sign in.
    pub email: Email,
    /// The password, 12 to 128 characters.
    pub password: String,
    /// The admin's name.
    pub name: String,
    /// The organization's name.
    pub organization_name: String,
    /// The address of its page.
    pub slug: Slug,
}

/// An organization to be made whose name and page address have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founding {
    /// Its name.
    pub name: String,
    /// The address of its page.
    pub slug: Slug,
}

impl Founding {
    /// Checks what was typed; the address is proposed from the name where it is empty.
    ///
    /// # Errors
    /// The fields `organization_name` and `slug`, with what to do.
    pub fn check(name: &str, slug: &str) -> Result<Self> {
        let mut check = Check::default();
        let (name, slug) = check_founding(&mut check, name, Some(slug));
        check.finish()?;
        let slug = slug.ok_or_else(|| Error::invalid("Please fill in every field."))?;
        Ok(Self { name, slug })
    }
}

/// An organization's name and page address, which is proposed from the name where there is none.
fn check_founding(check: &mut Check, name: &str, slug: Option<&str>) -> (String, Option<Slug>) {
    let name = check.line("organization_name", name, NAME_MAX);
    let slug = match slug.map(str::trim).filter(|slug| !slug.is_empty()) {
        Some(slug) => check.take("slug", slug.parse()),
        None if name.is_empty() => None,
        None => check.take(
            "slug",
            Slug::propose(&name).parse().map_err(|_| {
                Error::invalid("No page address can be made from this name. Choose one, for example acme-cloud.")
            }),
        ),
    };
    (name, slug)
}

impl RegistrationForm {
    /// Checks every field that can be wrong alone.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(self) -> Result<Registration> {
        let mut check = Check::default();
        let (organization_name, slug) = check_founding(&mut check, &self.organization_name, self.slug.as_deref());
        let name = check.line("name", &self.name, NAME_MAX);
        let email = check.take("email", self.email.parse());
        check_new_password(&mut check, "password", &self.password);
        check.finish()?;
        match (email, slug) {
            (Some(email), Some(slug)) => {
                Ok(Registration { email, password: self.password, name, organization_name, slug })
            }
            _ => Err(Error::invalid("Please fill in every field.")),
        }
    }
}

/// Notes what is wrong with a new password as far as its length tells.
pub fn check_new_password(check: &mut Check, field: &str, password: &str) {
    match password.chars().count() {
        length @ 0..12 => {
            check.fault(field, format!("Use at least 12 characters; this has {length}. A sentence works well."));
        }
        12..=128 => {}
        length => check.fault(field, format!("Use at most 128 characters; this has {length}.")),
    }
}

/// A request to sign in, as typed.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "a long and private sentence"}))]
pub struct LoginForm {
    /// The e-mail address.
    pub email: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// A code of the second factor, or a recovery code, for accounts that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A login whose fields have been checked.
#[derive(Clone)]
pub struct Login {
    /// Who says to be there.
    pub email: Email,
    /// What they say to prove it.
    pub password: String,
    /// What they say besides.
    pub code: Option<String>,
}

impl LoginForm {
    /// Checks that there is something to try.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(self) -> Result<Login> {
        let mut check = Check::default();
        let email = check.take("email", self.email.parse());
        if self.password.is_empty() {
            check.fault("password", "This is required.");
        } else if self.password.len() > 1024 {
            check.fault("password", "This is longer than any password here.");
        }
        check.finish()?;
        match email {
            Some(email) => Ok(Login { email, password: self.password, code: self.code }),
            None => Err(Error::invalid("Please fill in every field.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowered_and_nonsense_is_refused() {
        assert_eq!(" Ada@Example.COM ".parse::<Email>().expect("valid").as_str(), "ada@example.com");
        for text in
            ["", "ada", "ada@", "@x.y", "a b@x.y", "a@b", "a@b..c", "a@b.c\r\nBcc: x@y.z", "a@-b.c", "a@b.c@d.e"]
        {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_registration_reports_every_fault_at_once_and_proposes_an_address() {
        let error = RegistrationForm { slug: Some("api".into()), ..Default::default() }.check().err().expect("empty");
        assert_eq!(error.fields.keys().collect::<Vec<_>>(), ["email", "name", "organization_name", "password", "slug"]);
        let form = RegistrationForm {
            email: "ada@example.com".into(),
            password: "correct horse battery".into(),
            name: "Ada".into(),
            organization_name: "Acme Cloud".into(),
            slug: Some(" ".into()),
        };
        assert_eq!(form.check().map(|new| new.slug.to_string()), Ok("acme-cloud".to_owned()));
    }
}
