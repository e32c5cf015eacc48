//! Identity: organizations, users, registration and login.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Error, Result, Role, Slug, Timestamp,
    check::{Check, NAME_MAX},
    wire::id,
};

id! {
    /// The id of an organization.
    OrganizationId;
    /// The id of a user.
    UserId;
    /// The id of a session.
    SessionId;
}

/// An organization: a tenant with members, services and one public page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, shown on the public page.
    pub name: String,
    /// The address of its public page: `/public/{slug}`.
    pub slug: Slug,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A user, as a member of the session's organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their email address, in lower case.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// Their role in this organization.
    pub role: Role,
    /// The session's organization.
    pub organization_id: OrganizationId,
    /// When they registered.
    pub created_at: Timestamp,
}

/// The user of the session and its organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The organization.
    pub organization: Organization,
}

/// The response to a registration or a login.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedIn {
    /// The token to send as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// When the token expires at the latest.
    pub expires_at: Timestamp,
    /// The user.
    pub user: User,
    /// The organization.
    pub organization: Organization,
}

/// An email address in lower case, with which a user logs in.
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
    /// letters, digits, hyphens and dots.
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
            _ => Err(Error::invalid("Enter an email address, for example ada@example.com.")),
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

/// A request to create an organization and its first admin.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ada@example.com", "password": "a long and private sentence", "name": "Ada", "organization_name": "Acme",
}))]
pub struct RegistrationForm {
    /// The admin's email address.
    pub email: String,
    /// 12 to 128 characters, hard to guess.
    #[schema(format = Password)]
    pub password: String,
    /// The admin's name.
    pub name: String,
    /// The organization's name.
    pub organization_name: String,
    /// The address of its page; derived from the name by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

/// A registration with valid fields, except that the server still checks the strength of the password.
#[derive(Clone)]
pub struct Registration {
    /// The admin's email address.
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

/// An organization to create, with valid fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its name.
    pub name: String,
    /// The address of its page.
    pub slug: Slug,
}

impl NewOrganization {
    /// Checks the fields; an empty address is derived from the name.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `organization_name` and `slug`.
    pub fn check(name: &str, slug: &str) -> Result<Self> {
        let mut check = Check::default();
        let (name, slug) = check_organization(&mut check, name, Some(slug));
        check.finish()?;
        let slug = slug.ok_or_else(|| Error::invalid("Please fill in all fields."))?;
        Ok(Self { name, slug })
    }
}

/// Checks an organization's name and page address; an empty address is derived from the name.
fn check_organization(check: &mut Check, name: &str, slug: Option<&str>) -> (String, Option<Slug>) {
    let name = check.line("organization_name", name, NAME_MAX);
    let slug = match slug.map(str::trim).filter(|slug| !slug.is_empty()) {
        Some(slug) => check.take("slug", slug.parse()),
        None if name.is_empty() => None,
        None => check.take(
            "slug",
            Slug::propose(&name).parse().map_err(|_| {
                Error::invalid("No page address can be derived from this name. Enter one, for example acme-cloud.")
            }),
        ),
    };
    (name, slug)
}

impl RegistrationForm {
    /// Checks each field.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(self) -> Result<Registration> {
        let mut check = Check::default();
        let (organization_name, slug) = check_organization(&mut check, &self.organization_name, self.slug.as_deref());
        let name = check.line("name", &self.name, NAME_MAX);
        let email = check.take("email", self.email.parse());
        check_new_password(&mut check, "password", &self.password);
        check.finish()?;
        match (email, slug) {
            (Some(email), Some(slug)) => {
                Ok(Registration { email, password: self.password, name, organization_name, slug })
            }
            _ => Err(Error::invalid("Please fill in all fields.")),
        }
    }
}

/// Checks the length of a new password.
pub fn check_new_password(check: &mut Check, field: &str, password: &str) {
    match password.chars().count() {
        length @ 0..12 => {
            check.fault(field, format!("Use at least 12 characters; this has {length}. A sentence works well."));
        }
        12..=128 => {}
        length => check.fault(field, format!("Use at most 128 characters; this has {length}.")),
    }
}

/// A request to log in.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.com", "password": "a long and private sentence"}))]
pub struct LoginForm {
    /// The email address.
    pub email: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
    /// A code of the authenticator app, or a recovery code, for accounts with two-factor authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A login with valid fields.
#[derive(Clone)]
pub struct Login {
    /// The email address.
    pub email: Email,
    /// The password.
    pub password: String,
    /// The code of the second factor.
    pub code: Option<String>,
}

impl LoginForm {
    /// Checks the form of each field.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(self) -> Result<Login> {
        let mut check = Check::default();
        let email = check.take("email", self.email.parse());
        if self.password.is_empty() {
            check.fault("password", "This is required.");
        } else if self.password.len() > 1024 {
            check.fault("password", "This password is too long.");
        }
        check.finish()?;
        match email {
            Some(email) => Ok(Login { email, password: self.password, code: self.code }),
            None => Err(Error::invalid("Please fill in all fields.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowered_and_invalid_ones_rejected() {
        assert_eq!(" Ada@Example.COM ".parse::<Email>().expect("valid").as_str(), "ada@example.com");
        for text in
            ["", "ada", "ada@", "@x.y", "a b@x.y", "a@b", "a@b..c", "a@b.c\r\nBcc: x@y.z", "a@-b.c", "a@b.c@d.e"]
        {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_registration_reports_every_fault_at_once_and_derives_an_address() {
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
