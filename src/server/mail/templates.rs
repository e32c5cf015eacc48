//! Mail templates: the subjects and texts, as plain text and as HTML.

use crate::model::Email;

/// A mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailMessage {
    /// The recipient.
    pub to: Email,
    /// The subject, without line breaks.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, with the same content.
    pub html: String,
}

/// A change to an account's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityNotice {
    /// The password was changed.
    Password,
    /// The e-mail address was changed.
    Email,
    /// Two-factor authentication was turned on.
    SecondFactorOn,
    /// Two-factor authentication was turned off.
    SecondFactorOff,
}

/// The parts every mail consists of: paragraphs, a link with its label, and a last paragraph.
struct Content<'a> {
    subject: String,
    paragraphs: Vec<String>,
    link: (&'a str, &'a str),
    last: &'a str,
}

impl Content<'_> {
    fn to(self, to: &Email) -> EmailMessage {
        let (label, url) = self.link;
        let text = format!("{}\n\n{label}:\n{url}\n\n{}\n", self.paragraphs.join("\n\n"), self.last);
        let paragraph = |text: &str| format!("<p>{}</p>", html_escape::encode_text(text));
        let paragraphs: String = self.paragraphs.iter().map(|text| paragraph(text)).collect();
        let href = html_escape::encode_double_quoted_attribute(url);
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><body>{paragraphs}<p><a href=\"{href}\">{}</a></p><p>{}</p>{}</body>\
             </html>",
            html_escape::encode_text(label),
            html_escape::encode_text(url),
            paragraph(self.last),
        );
        EmailMessage { to: to.clone(), subject: one_line(&self.subject), text, html }
    }
}

/// A text without line breaks and other control characters, so that it cannot add headers.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

/// The link that sets a new password.
pub fn password_reset(to: &Email, url: &str) -> EmailMessage {
    Content {
        subject: "Reset your Aldis password".into(),
        paragraphs: vec![
            format!("We received a request to reset the password of your Aldis account {to}."),
            "This link works once and expires in 30 minutes.".into(),
        ],
        link: ("Set a new password", url),
        last: "If this wasn't you, ignore this email: your password stays the same.",
    }
    .to(to)
}

/// An invitation to an organization.
pub fn invitation(to: &Email, organization: &str, inviter: &str, url: &str) -> EmailMessage {
    let (organization, inviter) = (one_line(organization), one_line(inviter));
    Content {
        subject: format!("Invitation to {organization}"),
        paragraphs: vec![
            format!("{inviter} has invited you to join {organization} on Aldis."),
            "This link is for you only. It works once and expires in 7 days.".into(),
        ],
        link: ("Accept the invitation", url),
        last: "If you don't know the sender, ignore this email.",
    }
    .to(to)
}

/// A notice about a change to an account's credentials, made from `place`. `origin` is the public URL of the server.
pub fn security_notice(to: &Email, notice: SecurityNotice, place: &str, origin: &str) -> EmailMessage {
    let (subject, change) = match notice {
        SecurityNotice::Password => (
            "Your Aldis password was changed",
            format!("The password of your Aldis account {to} was changed. All earlier sessions have ended."),
        ),
        SecurityNotice::Email => (
            "Your Aldis email address was changed",
            format!(
                "The email address of your Aldis account was changed. You can no longer log in with {to}, and this is \
                 the last email to this address."
            ),
        ),
        SecurityNotice::SecondFactorOn => (
            "Two-factor authentication is on for your Aldis account",
            format!(
                "Two-factor authentication was turned on for your Aldis account {to}. Each login now requires a code \
                 from an authenticator app."
            ),
        ),
        SecurityNotice::SecondFactorOff => (
            "Two-factor authentication is off for your Aldis account",
            format!(
                "Two-factor authentication was turned off for your Aldis account {to}. Logins no longer require a code \
                 from an authenticator app."
            ),
        ),
    };
    let (label, path, last) = match notice {
        // A password reset would go to the new address.
        SecurityNotice::Email => (
            "Open Aldis",
            "/",
            "If this wasn't you, contact an admin of your organization or the server's administrator immediately.",
        ),
        _ => (
            "Set a new password",
            "/forgot-password",
            "If this wasn't you, set a new password immediately: this ends every session. If it was you, no action is \
             needed.",
        ),
    };
    Content {
        subject: subject.into(),
        paragraphs: vec![change, format!("The change was made from {}.", one_line(place))],
        link: (label, &format!("{origin}{path}")),
        last,
    }
    .to(to)
}
