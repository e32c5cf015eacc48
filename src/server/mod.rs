//! What only the server knows: gated once, in `lib.rs`. Here, and only here, things are put together.

mod api;
pub mod auth;
mod commands;
mod config;
pub mod domain;
mod error;
mod http;
mod jobs;
mod live;
pub mod mail;
mod pages;
mod rate_limit;
pub mod server_fn;
mod telemetry;

pub use commands::main;
pub use config::{Config, Settings};
pub use http::assets::Files;
#[cfg(test)]
pub(crate) use http::listener::{Terms, accept};
pub use http::router::router;
#[cfg(test)]
pub(crate) use live::relay::Relay;
#[cfg(test)]
pub(crate) use pages::TeamPages;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use tokio_util::sync::CancellationToken;

use self::{
    auth::{Challenges, Passwords, SessionCookie, Tokens, encryption::Seal},
    domain::Domain,
    mail::Mailer,
    rate_limit::{
        backoff::SignInThrottle, limiter::RateLimiter, mail::MailLimiter, permits::SocketPermits,
        requests::RequestLimiter, shared_counters::SharedCounters,
    },
};
use crate::{app::Assets, model::Result};

/// What every request can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    config: Config,
    domain: Domain,
    passwords: Passwords,
    throttle: SignInThrottle,
    requests: RequestLimiter,
    csp_reports: RateLimiter<&'static str>,
    sockets: SocketPermits,
    tokens: Tokens,
    challenges: Challenges,
    /// What keeps the seeds of second factors.
    seeds: Seal,
    mailer: Mailer,
    mail_limiter: MailLimiter,
    cookie: SessionCookie,
    site: http::assets::Site,
    assets: Assets,
    leptos: LeptosOptions,
    /// Told when the server is to stop: sockets close, jobs end.
    stop: CancellationToken,
}

impl AppState {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the password cost is out of range.
    fn new(
        config: Config,
        domain: Domain,
        counters: SharedCounters,
        site: http::assets::Site,
        password_cost: u32,
    ) -> Result<Self> {
        Ok(Self {
            passwords: Passwords::new(password_cost)?,
            throttle: SignInThrottle::new(domain.clock().clone(), config.auth_rate, counters.clone()),
            requests: RequestLimiter::new(domain.clock().clone(), config.limits.api_rate, counters.clone()),
            csp_reports: RateLimiter::new(http::csp_report::QUOTA, domain.clock().clone(), SharedCounters::none()),
            sockets: SocketPermits::new(&config.limits),
            mail_limiter: MailLimiter::new(domain.clock().clone(), counters.clone()),
            tokens: Tokens::new(&config.secret, &config.old_secrets),
            challenges: Challenges::new(
                Seal::new(&config.all_secrets(), "login challenge"),
                &config.public_url,
                domain.clock().clone(),
                counters,
            ),
            mailer: config.mail.as_ref().map_or_else(Mailer::none, Mailer::open),
            seeds: Seal::new(&config.all_secrets(), "second factor"),
            cookie: SessionCookie::new(&config.public_url),
            assets: site.assets(),
            site,
            leptos: LeptosOptions::builder().output_name("aldis").build(),
            stop: CancellationToken::new(),
            config,
            domain,
        })
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// What the tests, which come through the door, prepare behind it.
#[cfg(test)]
impl AppState {
    /// The server over this database, with cheap passwords and without the browser's half.
    pub(crate) fn for_tests(config: Config, domain: Domain) -> Self {
        // A machine full of tests may keep an answer of Redis waiting.
        let counters = SharedCounters::open(domain.relay(), &config.secret, std::time::Duration::from_secs(10));
        Self::new(config, domain, counters, http::assets::Site::without_client(), 4).expect("the cost is in range")
    }

    /// The server's own jobs, run by hand.
    pub(crate) fn system(&self) -> domain::System {
        self.domain.system()
    }

    /// Has mail put into a test's hands.
    pub(crate) fn record_mail(&mut self) -> tokio::sync::mpsc::Receiver<mail::EmailMessage> {
        let (mailer, letters) = Mailer::recorder();
        self.mailer = mailer;
        letters
    }

    /// Uses up the mail limit of this network address.
    pub(crate) async fn exhaust_mail_limit(&self, from: std::net::IpAddr) {
        while self.mail_limiter.allow_link(from).await {}
    }

    /// The hash of a password.
    pub(crate) async fn hash(&self, password: &str) -> String {
        self.passwords.hash(password).await.expect("hashed")
    }

    /// What a connection may take.
    pub(crate) fn terms(&self) -> Terms {
        Terms::new(&self.config.limits, &self.config.trusted_proxies)
    }

    /// What ends every socket.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}
