//! Mail: letters with a text and an HTML part, queued and sent behind the requests' backs, each to one person.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::AsyncSmtpTransportBuilder,
};
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at, timeout},
};

use super::{config::error::ConfigError, http::client_ip::is_this_machine};
use crate::model::Email;

/// Letters that wait at most; past it a letter is refused rather than kept in memory.
const QUEUE: usize = 256;
/// Places of these that invitations leave free: somebody who cannot get in waits for one.
const RESERVED_SLOTS: usize = 64;
/// How many are sent at once.
const MAX_CONCURRENT_SENDS: usize = 4;
/// How often a letter is tried.
const ATTEMPTS: u32 = 3;
/// How long the mail server may take.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause after a failure, longer after each.
const PAUSE: Duration = Duration::from_secs(15);

/// How mail is sent, from the settings.
#[derive(Clone)]
pub struct MailSettings {
    server: AsyncSmtpTransportBuilder,
    from: Mailbox,
    pause: Duration,
}

impl MailSettings {
    /// Checks what the settings say; nothing, when they name no server. A password goes to another machine only where
    /// nobody on the way can read it, unless `insecure` says that they may.
    ///
    /// # Errors
    /// The variable that cannot be used, without its content.
    pub fn given(url: Option<&str>, from: Option<&str>, insecure: bool) -> Result<Option<Self>, ConfigError> {
        let Some(url) = url.map(str::trim).filter(|url| !url.is_empty()) else { return Ok(None) };
        if tells_its_password(url) && !insecure {
            let why = "would send its password for everybody on the way to read: add `?tls=required`, or begin it with \
                       smtps:// (or set ALDIS_SMTP_INSECURE=true)";
            return Err(ConfigError::new("SMTP_URL", why));
        }
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            let advice =
                "must look like smtp://HOST, smtp://USER:PASSWORD@HOST?tls=required or smtps://USER:PASSWORD@HOST";
            ConfigError::new("SMTP_URL", format!("{advice}, with special characters percent-encoded"))
        })?;
        let from = from.map(str::trim).unwrap_or_default();
        let from = from.parse().map_err(|_| {
            let advice = "must be the address that mails come from, for example `Aldis <status@example.com>`";
            ConfigError::new("ALDIS_MAIL_FROM", advice)
        })?;
        Ok(Some(Self { server: server.timeout(Some(SMTP_TIMEOUT)), from, pause: PAUSE }))
    }

    /// Without pauses between the attempts.
    #[cfg(test)]
    pub(crate) fn impatient(self) -> Self {
        Self { pause: Duration::from_millis(1), ..self }
    }

    /// Whether the mail server answers, and takes what we say to prove ourselves.
    ///
    /// # Errors
    /// What it says, or why it could not be asked.
    pub async fn test(&self) -> Result<(), String> {
        let server: AsyncSmtpTransport<Tokio1Executor> = self.server.clone().build();
        match timeout(SMTP_TIMEOUT, server.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the mail server closed the connection".into()),
            Ok(Err(error)) => Err(format!("the mail server cannot be used: {error}")),
            Err(_) => Err("the mail server does not answer".into()),
        }
    }
}

/// Whether a password stands in this address and would travel to another machine in the open. `tls=opportunistic` is no
/// protection: whoever is on the way decides whether there is TLS.
fn tells_its_password(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let Some((_, host)) = authority.rsplit_once('@') else { return false };
    let is_closed = query.split('&').any(|setting| setting == "tls=required");
    scheme.eq_ignore_ascii_case("smtp") && !is_closed && !is_this_machine(host)
}

/// A letter to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailMessage {
    /// Whom it is for.
    pub to: Email,
    /// What it is about, in one line.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same for programs that show HTML.
    pub html: String,
}

/// What was done to what protects an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityNotice {
    /// It has another password.
    Password,
    /// It has another address.
    Email,
    /// It has a second factor.
    SecondFactorOn,
    /// It has none any more.
    SecondFactorOff,
}

impl SecurityNotice {
    /// What happened, in a subject and as a sentence.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Password => ("Your password was changed", "has a new password. Every session before has ended"),
            Self::Email => (
                "Your e-mail address was changed",
                "has another e-mail address, with which one logs in from now on. This is the last mail to the old one",
            ),
            Self::SecondFactorOn => {
                ("Two-factor authentication is on", "asks for a code of an authenticator app at each login from now on")
            }
            Self::SecondFactorOff => {
                ("Two-factor authentication is off", "asks for no code of an authenticator app any more")
            }
        }
    }

    /// Where to go if it was somebody else, and what else to do then.
    const fn way_out(self) -> ((&'static str, &'static str), &'static str) {
        match self {
            Self::Email => (
                ("See who runs it", "/"),
                "If it was not you, tell an admin of your organization, or whoever runs this server, at once.",
            ),
            _ => (
                ("Set another password", "/forgot-password"),
                "If it was not you, set another password at once: that ends every session. If it was you, do nothing.",
            ),
        }
    }
}

/// What a letter says before it has its two shapes.
struct Draft<'a> {
    subject: String,
    before: Vec<String>,
    link: (&'a str, &'a str),
    after: &'a str,
}

impl Draft<'_> {
    fn to(self, to: &Email) -> EmailMessage {
        let (label, link) = self.link;
        let text = format!("{}\n\n{label}:\n{link}\n\n{}\n", self.before.join("\n\n"), self.after);
        let paragraph = |text: &str| format!("<p>{}</p>", html_escape::encode_text(text));
        let before: String = self.before.iter().map(|text| paragraph(text)).collect();
        let address = html_escape::encode_double_quoted_attribute(link);
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><body>{before}<p><a href=\"{address}\">{}</a></p><p>{}</p>{}</body></html>",
            html_escape::encode_text(label),
            html_escape::encode_text(link),
            paragraph(self.after),
        );
        EmailMessage { to: to.clone(), subject: one_line(&self.subject), text, html }
    }
}

/// Text that stays in its header: without line breaks and other control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

impl EmailMessage {
    fn message(&self, from: &Mailbox) -> Result<Message, String> {
        let to: Address = self.to.as_str().parse().map_err(|error| format!("the address: {error}"))?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(self.subject.clone())
            .message_id(Some(format!("<{:032x}@{}>", rand::random::<u128>(), from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
            .map_err(|error| error.to_string())
    }
}

/// Sends letters, where a mail server is set up. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mailer {
    queue: Option<Arc<mpsc::Sender<EmailMessage>>>,
}

impl Mailer {
    /// Sends nothing: no mail server is set up.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends by this server. Starts the task that does.
    #[must_use]
    pub fn open(settings: &MailSettings) -> Self {
        let (queue, letters) = mpsc::channel(QUEUE);
        tokio::spawn(deliver(settings.clone(), letters));
        Self { queue: Some(Arc::new(queue)) }
    }

    /// Sends into the hands of a test.
    #[cfg(test)]
    pub(crate) fn recorder() -> (Self, mpsc::Receiver<EmailMessage>) {
        let (queue, letters) = mpsc::channel(QUEUE);
        (Self { queue: Some(Arc::new(queue)) }, letters)
    }

    /// Whether mail is sent at all; where not, people are told what to do instead.
    #[must_use]
    pub const fn is_set_up(&self) -> bool {
        self.queue.is_some()
    }

    /// Sends the link by which a new password is set. Tells whether it is on its way.
    #[must_use]
    pub fn password_reset(&self, to: &Email, link: &str) -> bool {
        let before = vec![
            format!("Somebody, we hope you, asked for a new password for the account of {to} at Aldis."),
            "The link below works once, for 30 minutes.".to_owned(),
        ];
        let after = "If it was not you, do nothing: your password stays as it is.";
        let subject = "A new password for Aldis".into();
        self.send(Draft { subject, before, link: ("Set a new password", link), after }.to(to), 0)
    }

    /// Sends an invitation to an organization. Tells whether it is on its way.
    #[must_use]
    pub fn invitation(&self, to: &Email, organization: &str, inviter: &str, link: &str) -> bool {
        let (organization, inviter) = (one_line(organization), one_line(inviter));
        let before = vec![
            format!("{inviter} invites you to {organization}, which tells its users with Aldis what works."),
            "The link below is for you alone. It works once, for 7 days.".to_owned(),
        ];
        let after = "If you do not know them, do nothing.";
        let subject = format!("Invitation to {organization}");
        self.send(Draft { subject, before, link: ("Accept the invitation", link), after }.to(to), RESERVED_SLOTS)
    }

    /// Tells a person that what protects their account was changed, where from, and what to do if it was not them; `origin`
    /// is where the server is found. Tells whether it is on its way.
    #[must_use]
    pub fn guard_changed(&self, to: &Email, guard: SecurityNotice, place: &str, origin: &str) -> bool {
        let (subject, sentence) = guard.words();
        let ((label, path), after) = guard.way_out();
        let before =
            vec![format!("The account of {to} at Aldis {sentence}."), format!("It was done from {}.", one_line(place))];
        let link = format!("{origin}{path}");
        self.send(Draft { subject: format!("{subject} at Aldis"), before, link: (label, &link), after }.to(to), 0)
    }

    /// Never waits: when so many letters wait that no more places than these would be free, this one is not taken.
    fn send(&self, letter: EmailMessage, kept_free: usize) -> bool {
        let Some(queue) = &self.queue else { return false };
        let is_taken = queue.capacity() > kept_free && queue.try_send(letter).is_ok();
        if !is_taken {
            tracing::warn!("too many mails are waiting for the mail server; one was dropped");
        }
        is_taken
    }
}

async fn deliver(settings: MailSettings, mut letters: mpsc::Receiver<EmailMessage>) {
    let server: AsyncSmtpTransport<Tokio1Executor> = settings.server.clone().build();
    let letters = futures::stream::poll_fn(move |context| letters.poll_recv(context));
    letters.for_each_concurrent(MAX_CONCURRENT_SENDS, |letter| carry(&server, &settings, letter)).await;
}

/// Brings one letter to the mail server, in so many attempts.
async fn carry(server: &AsyncSmtpTransport<Tokio1Executor>, settings: &MailSettings, letter: EmailMessage) {
    let message = match letter.message(&settings.from) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(error, "a mail could not be written");
            return;
        }
    };
    for attempt in 1..=ATTEMPTS {
        let error = match timeout(SMTP_TIMEOUT, server.send(message.clone())).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) if error.is_permanent() => {
                tracing::warn!(%error, "the mail server refuses a mail");
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        tracing::warn!(error, attempt, "a mail could not be sent");
        if attempt < ATTEMPTS {
            let pause = settings.pause * attempt;
            interval_at(Instant::now() + pause, SMTP_TIMEOUT).tick().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_52_no_name_leaves_its_header_or_its_element() {
        let (mailer, mut letters) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let evil = "Acme\r\nBcc: eve@evil.test\r\n\r\n<script>alert(1)</script>\u{0}";
        assert!(mailer.invitation(&to, evil, evil, "https://status.example.com/invite/x?a=\"><b>"));
        let letter = letters.try_recv().expect("a letter");
        assert!(!letter.subject.contains(['\r', '\n']));
        assert!(!letter.html.contains("<script") && !letter.html.contains("\"><b>"), "{}", letter.html);
        let from = "Aldis <status@example.com>".parse().expect("a mailbox");
        let message = String::from_utf8(letter.message(&from).expect("written").formatted()).expect("text");
        let (head, _) = message.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("To: ")).count(), 1);
    }

    #[test]
    fn a_full_queue_refuses_and_makes_nobody_wait() {
        let (mailer, letters) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let sent = (0..=QUEUE).filter(|_| mailer.password_reset(&to, "https://status.example.com/x")).count();
        assert_eq!(sent, QUEUE);
        drop(letters);
        assert!(!mailer.password_reset(&to, "x") && !Mailer::none().password_reset(&to, "x"));
    }

    #[test]
    fn r_63_invitations_leave_room_for_those_who_cannot_get_in() {
        let (mailer, _letters) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let invited = (0..QUEUE).filter(|_| mailer.invitation(&to, "Acme", "Eve", "x")).count();
        assert_eq!(invited, QUEUE - RESERVED_SLOTS);
        assert!(mailer.password_reset(&to, "x"));
    }

    #[test]
    fn r_80_a_password_for_the_mail_server_stays_off_the_open_network() {
        let from = Some("Aldis <status@example.com>");
        let taken = |url: &str, insecure| MailSettings::given(Some(url), from, insecure).is_ok();
        for open in [
            "smtp://ada:secret@mail.example.com",
            "SMTP://ada:secret@mail.example.com:587",
            "smtp://ada:secret@mail.example.com:587/client?tls=opportunistic",
            "smtp://ada:secret@127.0.0.1.example.com?tls=no",
            "smtp://ada@mail.example.com",
        ] {
            assert!(!taken(open, false), "{open}");
        }
        assert!(taken("smtp://ada:secret@mail.example.com", true));
        for closed in [
            "smtps://ada:secret@mail.example.com",
            "smtp://ada:secret@mail.example.com?tls=required",
            "smtp://ada:secret@localhost:2525",
            "smtp://ada:secret@127.0.0.1",
            "smtp://mail.example.com",
        ] {
            assert!(taken(closed, false), "{closed}");
        }
    }
}
