//! The state that every request handler shares.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use tokio_util::sync::CancellationToken;

use super::{
    auth::{Challenges, Passwords, SessionCookie, Tokens},
    config::Config,
    domain::Domain,
    encryption::Seal,
    http::{assets::Site, readiness::Readiness},
    mail::Mailer,
    pages::RenderLimits,
    public_cache::PublicCache,
    rate_limit::{
        backoff::SignInThrottle,
        limiter::{Quota, RateLimiter},
        mail::MailLimiter,
        permits::SocketPermits,
        requests::RequestLimiter,
        shared_counters::SharedCounters,
    },
    snapshots::StateSnapshots,
    supervisor::Heartbeats,
};
use crate::{app::Assets, model::Result};

/// Rate limit of logged CSP violation reports, from all browsers together.
const CSP_REPORTS: Quota = Quota { name: "csp-reports", limit: 20, seconds: 60, batch: 1 };

/// Settings, database, rate limits, keys and mail, as one value. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of [`AppState`].
#[derive(Clone)]
pub struct Parts {
    pub(super) config: Config,
    pub(super) domain: Domain,
    pub(super) passwords: Passwords,
    pub(super) throttle: SignInThrottle,
    pub(super) requests: RequestLimiter,
    pub(super) csp_reports: RateLimiter<&'static str>,
    pub(super) sockets: SocketPermits,
    pub(super) tokens: Tokens,
    pub(super) challenges: Challenges,
    /// Encrypts the TOTP seeds.
    pub(super) seeds: Seal,
    pub(super) mailer: Mailer,
    pub(super) mail_limiter: MailLimiter,
    pub(super) cookie: SessionCookie,
    pub(super) readiness: Readiness,
    pub(super) renders: RenderLimits,
    pub(super) public: PublicCache,
    pub(super) site: Site,
    pub(super) assets: Assets,
    pub(super) leptos: LeptosOptions,
    /// Cancelled when the server shuts down: closes sockets and ends jobs.
    pub(super) stop: CancellationToken,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    /// Builds the state from its parts.
    ///
    /// # Errors
    /// When the password cost is out of range.
    pub(super) fn new(
        config: Config,
        domain: Domain,
        counters: SharedCounters,
        heartbeats: &Heartbeats,
        site: Site,
        snapshots: Option<StateSnapshots>,
        password_cost: u32,
    ) -> Result<Self> {
        let secrets = config.all_secrets();
        let (renders, assets) = (RenderLimits::default(), site.assets());
        let parts = Parts {
            passwords: Passwords::new(password_cost)?,
            throttle: SignInThrottle::new(domain.clock().clone(), config.auth_rate, counters.clone()),
            requests: RequestLimiter::new(domain.clock().clone(), config.limits.api_rate, counters.clone()),
            csp_reports: RateLimiter::new(CSP_REPORTS, domain.clock().clone(), SharedCounters::none()),
            sockets: SocketPermits::new(&config.limits),
            mail_limiter: MailLimiter::new(domain.clock().clone(), counters.clone()),
            readiness: Readiness::new(domain.clone(), counters.clone(), heartbeats.clone()),
            public: PublicCache::new(domain.clone(), &config, assets.clone(), renders.public.clone(), snapshots),
            renders,
            tokens: Tokens::new(&config.secret, &config.old_secrets),
            challenges: Challenges::new(
                Seal::new(&secrets, "login challenge"),
                &config.public_url,
                domain.clock().clone(),
                counters,
            ),
            mailer: config.mail.as_ref().map_or_else(Mailer::none, |mail| Mailer::open(mail, heartbeats)),
            seeds: Seal::new(&secrets, "second factor"),
            cookie: SessionCookie::new(&config.public_url),
            assets,
            site,
            leptos: LeptosOptions::builder().output_name("aldis").build(),
            stop: CancellationToken::new(),
            config,
            domain,
        };
        Ok(Self(Arc::new(parts)))
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// What integration tests, which otherwise use HTTP, arrange directly.
#[cfg(test)]
impl AppState {
    /// The server over this database, with cheap password hashes and without the client.
    pub(crate) fn for_tests(config: Config, domain: Domain) -> Self {
        // Redis may answer slowly on a machine busy with tests.
        let counters = SharedCounters::open(domain.relay(), &config.secret, std::time::Duration::from_secs(10));
        let clock = domain.clock().clone();
        let heartbeats = Heartbeats::new(move || clock.now());
        Self::new(config, domain, counters, &heartbeats, Site::without_client(), None, 4).expect("the cost is in range")
    }

    /// The heartbeats that readiness reports.
    pub(crate) fn heartbeats(&self) -> &Heartbeats {
        self.readiness.heartbeats()
    }

    /// The same, with every place for rendering taken.
    pub(crate) fn busy_rendering(mut self) -> Self {
        Arc::make_mut(&mut self.0).renders = RenderLimits::new(0, std::time::Duration::from_millis(1));
        self.with_empty_cache()
    }

    /// The same, with no documents cached.
    pub(crate) fn with_empty_cache(self) -> Self {
        self.with_snapshots(None)
    }

    /// The same, with no documents cached, but these on disk.
    pub(crate) fn with_snapshots(mut self, snapshots: Option<StateSnapshots>) -> Self {
        let (domain, assets, renders) = (self.domain.clone(), self.assets.clone(), self.renders.public.clone());
        let public = PublicCache::new(domain, &self.config, assets, renders, snapshots);
        Arc::make_mut(&mut self.0).public = public;
        self
    }

    /// The same, with no documents cached, writing them to this folder.
    pub(crate) fn with_snapshot_dir(mut self, dir: std::path::PathBuf) -> Self {
        Arc::make_mut(&mut self.0).config.snapshot_dir = Some(dir);
        self.with_empty_cache()
    }

    /// The health of the database, to change it.
    pub(crate) fn database_health(&self) -> &super::domain::DatabaseHealth {
        self.domain.health()
    }

    /// Opens the database of a domain that has not been opened.
    pub(crate) async fn open_database(&self) {
        self.domain.migrate().await.expect("the database opens");
    }

    /// Makes documents anew after the changes so far, as the server does all the time.
    pub(crate) fn background(&self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(self.public.clone().run())
    }

    /// The answer that is sent without the router, if there is one.
    pub(crate) fn cached_answer(
        &self,
        request: &axum::http::Request<axum::body::Body>,
    ) -> Option<axum::response::Response> {
        self.public.answer(request)
    }

    /// Compresses cached documents better that have rested.
    pub(crate) async fn improve_cached(&self) {
        self.public.improve().await;
    }

    /// The bytes that cached documents take.
    pub(crate) fn cached_bytes(&self) -> usize {
        self.public.bytes()
    }

    /// The handle of the background jobs, to run one by hand.
    pub(crate) fn system(&self) -> super::domain::System {
        self.domain.system()
    }

    /// Sends mails to the test instead.
    pub(crate) fn record_mail(&mut self) -> tokio::sync::mpsc::Receiver<super::mail::EmailMessage> {
        let (mailer, messages) = Mailer::recorder();
        Arc::make_mut(&mut self.0).mailer = mailer;
        messages
    }

    /// Uses up the mail limit of a network address.
    pub(crate) async fn exhaust_mail_limit(&self, from: std::net::IpAddr) {
        while self.mail_limiter.allow_link(from).await {}
    }

    /// The hash of a password.
    pub(crate) async fn hash(&self, password: &str) -> String {
        self.passwords.hash(password).await.expect("hashed")
    }

    /// The configured limits of connections.
    pub(crate) fn connection_limits(&self) -> super::ConnectionLimits {
        super::ConnectionLimits::new(&self.config.limits, &self.config.trusted_proxies)
    }

    /// Waits until no use of a session or token is being noted.
    pub(crate) async fn last_uses_noted(&self) {
        self.domain.last_uses_noted().await;
    }

    /// Holds every slot of the write queue until the returned value is dropped.
    pub(crate) async fn hold_writes(&self) -> impl Sized + use<> {
        self.domain.hold_writes().await.expect("a free queue")
    }

    /// How many write transactions wait for their turn.
    pub(crate) fn waiting_writes(&self) -> usize {
        self.domain.waiting_writes()
    }

    /// The shutdown signal.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}
