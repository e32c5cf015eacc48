//! Mail over SMTP: settings, and a bounded queue that sends in the background, with retries.

mod templates;

use std::{sync::Arc, time::Duration};

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
    task::JoinSet,
    time::{Instant, interval, interval_at, timeout},
};
use url::Url;

pub use self::templates::{EmailMessage, SecurityNotice};
use super::{
    config::error::ConfigError,
    http::client_ip::is_loopback_host,
    supervisor::{Heartbeat, Heartbeats},
};
use crate::model::Email;

/// Mails that can wait to be sent; further ones are dropped.
const QUEUE_CAPACITY: usize = 256;
/// Queue slots that invitations leave free for password resets and security notices.
const RESERVED_SLOTS: usize = 64;
const MAX_CONCURRENT_SENDS: usize = 4;
/// Attempts per mail, the first included.
const MAX_ATTEMPTS: u32 = 3;
/// Time limit of one attempt.
const SMTP_TIMEOUT: Duration = Duration::from_secs(20);
/// Delay before the first retry; the second waits twice as long.
const RETRY_DELAY: Duration = Duration::from_secs(15);
/// How often the queue gives a heartbeat, and when it is late.
const BEAT_INTERVAL: Duration = Duration::from_secs(5);
const LATE_AFTER: Duration = Duration::from_secs(30);

/// SMTP server and sender.
#[derive(Clone)]
pub struct MailSettings {
    server: AsyncSmtpTransportBuilder,
    from: Mailbox,
    retry_delay: Duration,
}

impl MailSettings {
    /// Validates `SMTP_URL` and `ALDIS_MAIL_FROM`. Returns `None` without a URL. Refuses to send a password unencrypted
    /// to another machine unless `insecure` allows it.
    ///
    /// # Errors
    /// Names the invalid variable, but not its value.
    pub fn parse(url: Option<&str>, from: Option<&str>, insecure: bool) -> Result<Option<Self>, ConfigError> {
        let Some(url) = url.map(str::trim).filter(|url| !url.is_empty()) else { return Ok(None) };
        if sends_password_unencrypted(url) && !insecure {
            let reason = "would send the password unencrypted: add `?tls=required`, or use smtps:// (or set \
                          ALDIS_SMTP_INSECURE=true)";
            return Err(ConfigError::new("SMTP_URL", reason));
        }
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| {
            let advice =
                "must look like smtp://HOST, smtp://USER:PASSWORD@HOST?tls=required or smtps://USER:PASSWORD@HOST";
            ConfigError::new("SMTP_URL", format!("{advice}, with special characters percent-encoded"))
        })?;
        let from = from.map(str::trim).unwrap_or_default();
        let from = from.parse().map_err(|_| {
            let advice = "must be the sender of emails, for example `Aldis <status@example.com>`";
            ConfigError::new("ALDIS_MAIL_FROM", advice)
        })?;
        Ok(Some(Self { server: server.timeout(Some(SMTP_TIMEOUT)), from, retry_delay: RETRY_DELAY }))
    }

    /// The same without delays between attempts.
    #[cfg(test)]
    pub(crate) fn without_delays(self) -> Self {
        Self { retry_delay: Duration::from_millis(1), ..self }
    }

    /// Connects to the mail server and authenticates.
    ///
    /// # Errors
    /// The server's answer, or why there is none. Never contains the password.
    pub async fn test_connection(&self) -> Result<(), String> {
        let server: AsyncSmtpTransport<Tokio1Executor> = self.server.clone().build();
        match timeout(SMTP_TIMEOUT, server.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the mail server closed the connection".into()),
            Ok(Err(error)) => Err(format!("the mail server cannot be used: {error}")),
            Err(_) => Err("the mail server is not responding".into()),
        }
    }
}

/// Whether this URL would send a password to another machine without TLS. `tls=opportunistic` does not count as TLS: an
/// attacker on the network can disable it.
fn sends_password_unencrypted(url: &str) -> bool {
    // The same parser and the same reading of `tls` as in lettre: the first one counts.
    let Ok(url) = Url::parse(url) else { return false };
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    let has_tls = url.query_pairs().find(|(key, _)| key == "tls").is_some_and(|(_, tls)| tls == "required");
    url.scheme() == "smtp" && has_credentials && !has_tls && !is_loopback_host(&url)
}

impl EmailMessage {
    /// Encodes the mail for SMTP.
    fn encode(&self, from: &Mailbox) -> Result<Message, String> {
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

/// Sends mails in the background, if a mail server is configured. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mailer {
    queue: Option<Arc<mpsc::Sender<EmailMessage>>>,
}

impl Mailer {
    /// A mailer without a mail server, which sends nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts the task that sends mails through this server.
    #[must_use]
    pub fn open(settings: &MailSettings, heartbeats: &Heartbeats) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(send_all(settings.clone(), messages, heartbeats.register("mail", LATE_AFTER)));
        Self { queue: Some(Arc::new(queue)) }
    }

    /// Hands the mails to a test.
    #[cfg(test)]
    pub(crate) fn recorder() -> (Self, mpsc::Receiver<EmailMessage>) {
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        (Self { queue: Some(Arc::new(queue)) }, messages)
    }

    /// Whether a mail server is configured.
    #[must_use]
    pub const fn is_set_up(&self) -> bool {
        self.queue.is_some()
    }

    /// Sends a password reset link. Returns whether the mail was queued.
    #[must_use]
    pub fn password_reset(&self, to: &Email, url: &str) -> bool {
        self.send(templates::password_reset(to, url), 0)
    }

    /// Sends an invitation to an organization. Returns whether the mail was queued.
    #[must_use]
    pub fn invitation(&self, to: &Email, organization: &str, inviter: &str, url: &str) -> bool {
        self.send(templates::invitation(to, organization, inviter, url), RESERVED_SLOTS)
    }

    /// Notifies the owner of an account about a change to its credentials, made from `place`. `origin` is the public
    /// URL of the server. Returns whether the mail was queued.
    #[must_use]
    pub fn security_notice(&self, to: &Email, notice: SecurityNotice, place: &str, origin: &str) -> bool {
        self.send(templates::security_notice(to, notice, place, origin), 0)
    }

    /// Queues a mail without waiting, or drops it if no more than `reserved` slots are free.
    fn send(&self, message: EmailMessage, reserved: usize) -> bool {
        let Some(queue) = &self.queue else { return false };
        let is_queued = queue.capacity() > reserved && queue.try_send(message).is_ok();
        if !is_queued {
            tracing::warn!("the mail queue is full; an email was dropped");
        }
        is_queued
    }
}

async fn send_all(settings: MailSettings, mut messages: mpsc::Receiver<EmailMessage>, heartbeat: Heartbeat) {
    let server: AsyncSmtpTransport<Tokio1Executor> = settings.server.clone().build();
    let (mut sending, mut beats, mut is_open) = (JoinSet::new(), interval(BEAT_INTERVAL), true);
    while is_open || !sending.is_empty() {
        heartbeat.beat();
        tokio::select! {
            message = messages.recv(), if is_open && sending.len() < MAX_CONCURRENT_SENDS => match message {
                Some(message) => _ = sending.spawn(send(server.clone(), settings.clone(), message)),
                None => is_open = false,
            },
            Some(sent) = sending.join_next() => if let Err(error) = sent {
                tracing::error!(%error, "sending an email panicked; the others are sent");
            },
            _ = beats.tick() => {}
        }
    }
}

/// Sends one mail, with retries unless the mail server rejects it for good.
async fn send(server: AsyncSmtpTransport<Tokio1Executor>, settings: MailSettings, message: EmailMessage) {
    let message = match message.encode(&settings.from) {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(error, "an email could not be encoded");
            return;
        }
    };
    for attempt in 1..=MAX_ATTEMPTS {
        let error = match timeout(SMTP_TIMEOUT, server.send(message.clone())).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) if error.is_permanent() => {
                tracing::warn!(%error, "the mail server rejected an email");
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "timeout".to_owned(),
        };
        tracing::warn!(error, attempt, "an email could not be sent");
        if attempt < MAX_ATTEMPTS {
            let delay = settings.retry_delay * attempt;
            interval_at(Instant::now() + delay, SMTP_TIMEOUT).tick().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_52_names_cannot_inject_headers_or_markup() {
        let (mailer, mut messages) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let evil = "Acme\r\nBcc: eve@evil.test\r\n\r\n<script>alert(1)</script>\u{0}";
        assert!(mailer.invitation(&to, evil, evil, "https://status.example.com/invite/x?a=\"><b>"));
        let mail = messages.try_recv().expect("a mail");
        assert!(!mail.subject.contains(['\r', '\n']));
        assert!(!mail.html.contains("<script") && !mail.html.contains("\"><b>"), "{}", mail.html);
        let from = "Aldis <status@example.com>".parse().expect("a mailbox");
        let message = String::from_utf8(mail.encode(&from).expect("encoded").formatted()).expect("text");
        let (head, _) = message.split_once("\r\n\r\n").expect("a head");
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("To: ")).count(), 1);
    }

    #[test]
    fn a_full_queue_drops_mails_without_waiting() {
        let (mailer, messages) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let sent = (0..=QUEUE_CAPACITY).filter(|_| mailer.password_reset(&to, "https://status.example.com/x")).count();
        assert_eq!(sent, QUEUE_CAPACITY);
        drop(messages);
        assert!(!mailer.password_reset(&to, "x") && !Mailer::none().password_reset(&to, "x"));
    }

    #[test]
    fn r_63_invitations_leave_slots_for_password_resets() {
        let (mailer, _messages) = Mailer::recorder();
        let to = "ada@example.com".parse().expect("an address");
        let invited = (0..QUEUE_CAPACITY).filter(|_| mailer.invitation(&to, "Acme", "Eve", "x")).count();
        assert_eq!(invited, QUEUE_CAPACITY - RESERVED_SLOTS);
        assert!(mailer.password_reset(&to, "x"));
    }

    #[test]
    fn r_80_an_smtp_password_is_not_sent_unencrypted() {
        let from = Some("Aldis <status@example.com>");
        let accepts = |url: &str, insecure| MailSettings::parse(Some(url), from, insecure).is_ok();
        for unencrypted in [
            "smtp://ada:secret@mail.example.com",
            "SMTP://ada:secret@mail.example.com:587",
            "smtp://ada:secret@mail.example.com:587/client?tls=opportunistic",
            "smtp://ada:secret@127.0.0.1.example.com?tls=no",
            "smtp://ada@mail.example.com",
            "smtp://:secret@mail.example.com",
            "smtp://ada:secret@mail.example.com?tls=opportunistic&tls=required",
            "smtp://ada:secret@mail.example.com#?tls=required",
            "smtp://ada:secret@mail.example.com?TLS=required",
        ] {
            assert!(!accepts(unencrypted, false), "{unencrypted}");
        }
        assert!(accepts("smtp://ada:secret@mail.example.com", true));
        for safe in [
            "smtps://ada:secret@mail.example.com",
            "smtp://ada:secret@mail.example.com?tls=required",
            "smtp://ada:secret@mail.example.com/client?x=y&tls=required",
            "smtp://ada:secret@localhost:2525",
            "smtp://ada:secret@[::1]",
            "smtp://ada:secret@127.0.0.1",
            "smtp://mail.example.com",
        ] {
            assert!(accepts(safe, false), "{safe}");
        }
    }
}
