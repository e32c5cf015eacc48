//! Slugs: the addresses of public pages.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Error, Result};

/// Reserved slugs, which would shadow paths or impersonate Aldis. A test compares them with the routes.
pub const RESERVED: &[&str] = &[
    "about",
    "account",
    "admin",
    "aldis",
    "api",
    "app",
    "assets",
    "auth",
    "badge",
    "blog",
    "boot",
    "confirm",
    "console",
    "contact",
    "csp-report",
    "dashboard",
    "demo",
    "dev",
    "docs",
    "embed",
    "favicon",
    "feed",
    "files",
    "fn",
    "fonts",
    "forgot-password",
    "ftp",
    "healthz",
    "help",
    "history",
    "home",
    "imprint",
    "incidents",
    "internal",
    "invite",
    "legal",
    "live",
    "localhost",
    "login",
    "logout",
    "mail",
    "maintenance",
    "maintenances",
    "metrics",
    "new",
    "null",
    "openapi",
    "owner",
    "page",
    "pages",
    "pkg",
    "privacy",
    "public",
    "readyz",
    "register",
    "reset-password",
    "robots",
    "root",
    "security",
    "services",
    "settings",
    "signin",
    "signup",
    "sitemap",
    "smtp",
    "static",
    "status",
    "statuspage",
    "subscribe",
    "support",
    "system",
    "team",
    "terms",
    "theme",
    "undefined",
    "unsubscribe",
    "well-known",
    "widget",
    "ws",
    "www",
];

/// The address of a public page: 3 to 48 lower-case letters, digits and single inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 3, max_length = 48, pattern = "^[a-z0-9](-?[a-z0-9]){2,47}$", example = "acme")]
pub struct Slug(String);

impl Slug {
    /// The shortest address.
    pub const MIN: usize = 3;
    /// The longest address.
    pub const MAX: usize = 48;

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Derives a slug from an organization's name: its letters and digits, joined by hyphens. The result may be too
    /// short or reserved.
    #[must_use]
    pub fn propose(name: &str) -> String {
        let mut slug = String::new();
        for c in name.chars().flat_map(fold) {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') && c != '\'' {
                slug.push('-');
            }
            if slug.len() == Self::MAX {
                break;
            }
        }
        slug.trim_end_matches('-').to_owned()
    }

    /// Parses a slug that may be a reserved one.
    ///
    /// # Errors
    /// `invalid` when it is not well formed.
    pub fn unreserved(text: &str) -> Result<Self> {
        let well_formed = (Self::MIN..=Self::MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(
                "Use 3 to 48 lower-case letters and digits, with single hyphens between them, for example acme-cloud.",
            ))
        }
    }
}

/// Latin letters without accents, so that "Café Zürich" becomes `cafe-zuerich`.
fn fold(c: char) -> impl Iterator<Item = char> {
    let plain: &str = match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "a",
        'ä' | 'Ä' | 'æ' | 'Æ' => "ae",
        'ç' | 'Ç' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'Ì' | 'Í' | 'Î' | 'Ï' => "i",
        'ñ' | 'Ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' => "o",
        'ö' | 'Ö' => "oe",
        'ù' | 'ú' | 'û' | 'Ù' | 'Ú' | 'Û' => "u",
        'ü' | 'Ü' => "ue",
        'ß' => "ss",
        _ => "",
    };
    let same = plain.is_empty().then_some(c);
    plain.chars().chain(same)
}

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let slug = Self::unreserved(text)?;
        if RESERVED.contains(&text) {
            return Err(Error::invalid("This address is reserved. Choose another."));
        }
        Ok(slug)
    }
}

impl TryFrom<String> for Slug {
    type Error = String;

    // Reserved slugs are accepted, so that what the server has written can be read again.
    fn try_from(text: String) -> Result<Self, String> {
        Self::unreserved(&text).map_err(|error| error.message)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs_are_derived_from_names() {
        for (name, slug) in [
            ("Acme", "acme"),
            ("  Acme Cloud, Inc. ", "acme-cloud-inc"),
            ("Café Zürich", "cafe-zuerich"),
            ("Bob's Burgers", "bobs-burgers"),
            ("日本", ""),
        ] {
            assert_eq!(Slug::propose(name), slug, "{name}");
        }
    }

    #[test]
    fn malformed_and_reserved_slugs_are_rejected() {
        for text in ["", "ab", "-abc", "abc-", "a--b", "Acme", "a b c", "acme/x", "ac.me", "admin", "api", "ａｃｍｅ"]
        {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
        assert!("a".repeat(48).parse::<Slug>().is_ok());
        assert!("a".repeat(49).parse::<Slug>().is_err());
    }

    proptest! {
        #[test]
        fn a_derived_slug_is_valid_or_too_short(name in "\\PC{0,80}") {
            let slug = Slug::propose(&name);
            prop_assert!(slug.len() < Slug::MIN || Slug::unreserved(&slug).is_ok(), "{slug}");
        }
    }
}
