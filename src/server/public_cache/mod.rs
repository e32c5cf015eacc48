//! The public documents as bytes, made once per change and shared by everybody who asks.
//!
//! A request that finds a current document is answered by [`PublicCache::answer`] before the router sees it, without the
//! database, rendering or compression. Whatever else is asked for comes through the handlers, which make the document:
//! once for all who wait for it, from one snapshot of the database.

mod address;
mod document;
mod encoding;
mod flights;
mod missing;
mod outage;
mod pace;
mod page_states;
mod publishing;
mod refresh;
mod saving;
mod state;
mod store;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    http::{HeaderMap, HeaderValue, Method, Request, header},
    response::Response,
};
use tokio::time::{Instant, timeout};

pub use self::{
    address::{Address, Kind},
    state::html,
};
use self::{
    document::{Document, Freshness, OUTDATED_MS, Origin, Young},
    encoding::Encoding,
    flights::{Flight, Flights},
    missing::MissingAddresses,
    pace::Pace,
    page_states::{Loaded, NotLoaded, PageStates},
    state::{Drawing, State},
    store::Store,
};
use crate::{
    app::Assets,
    model::{Code, Error, OrganizationId, Result, Seq, Timestamp},
    server::{
        config::Config,
        domain::{Domain, Visitor},
        error::{internal, is_unreachable, unreachable},
        http::headers::of_public_documents,
        live::versions::{Change, PublicVersion},
        pages::{RenderLimit, RenderTurn},
        rate_limit::worker_threads::{Work, WorkerThreads},
        snapshots::{PageDirectory, StateSnapshots},
    },
};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Compressing what nobody waits for.
const COMPRESSING: Work =
    Work { name: "compression", niceness: 19, queue: 8, busy: "The server is busy. Try again in a moment." };
/// How long the state of a document may take to load.
const LOAD_TIMEOUT: Duration = Duration::from_secs(4);
/// How often a document that is outdated by the time it is made is made again for a request.
const ATTEMPTS: usize = 3;

/// The cache of public documents. Cheap to clone.
#[derive(Clone)]
pub struct PublicCache {
    inner: Arc<Inner>,
}

struct Inner {
    domain: Domain,
    renders: RenderLimit,
    drawing: Drawing,
    /// The headers of pages and of JSON.
    headers: [HeaderMap; 2],
    /// Whether the settings name the sites that may read the JSON.
    is_for_some_origins: bool,
    store: Store,
    /// Documents with the notice that the database is away.
    outages: Store,
    /// The states on disk.
    snapshots: Option<StateSnapshots>,
    /// The folder with the documents for a web server or a CDN.
    directory: Option<PageDirectory>,
    /// Follows the organizations of those.
    saved: Mutex<HashMap<OrganizationId, Arc<PublicVersion>>>,
    flights: Flights,
    states: PageStates,
    missing: MissingAddresses,
    /// Documents that have not been compressed better yet, oldest first.
    young: Mutex<VecDeque<Young>>,
    /// Compresses them, and what is published, one at a time.
    compressing: tokio::sync::Mutex<WorkerThreads>,
}

impl PublicCache {
    /// An empty cache of `config.cache_bytes`, with the states that an earlier process saved.
    pub fn new(
        domain: Domain,
        config: &Config,
        assets: Assets,
        renders: RenderLimit,
        snapshots: Option<StateSnapshots>,
    ) -> Self {
        let headers = [HTML, JSON].map(|kind| {
            let mut headers = of_public_documents(config.public_url.is_https());
            if kind == JSON && config.cors_origins.is_empty() {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            } else if kind == JSON {
                headers.insert(header::VARY, HeaderValue::from_static("origin"));
            }
            headers.insert(header::CONTENT_TYPE, kind);
            headers
        });
        let drawing = Drawing { assets, base: format!("{}/public", config.public_url.origin()) };
        let (store, outages) = (Store::new(config.cache_bytes), Store::new(config.cache_bytes / 4));
        let (flights, missing, young) = (Flights::default(), MissingAddresses::default(), Mutex::default());
        let is_for_some_origins = !config.cors_origins.is_empty();
        let saved = Mutex::default();
        let directory = config.snapshot_dir.clone().map(PageDirectory::new);
        let inner = Inner {
            domain,
            renders,
            drawing,
            headers,
            is_for_some_origins,
            store,
            outages,
            snapshots,
            directory,
            saved,
            flights,
            states: PageStates::default(),
            missing,
            young,
            compressing: WorkerThreads::new(COMPRESSING, 1).into(),
        };
        let cache = Self { inner: Arc::new(inner) };
        cache.follow_saved();
        cache
    }

    /// The answer to a request for a document that can be sent as it is. Everything else is the router's: other requests,
    /// documents that must be made, and what has no canonical address.
    #[must_use]
    pub fn answer<B>(&self, request: &Request<B>) -> Option<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = address::canonical(request.uri())?;
        // Which sites may read it depends on the settings: the router knows.
        let headers = request.headers();
        if headers.contains_key(header::ORIGIN) && self.inner.is_for_some_origins {
            return None;
        }
        let (now, is_away) = (self.inner.domain.clock().now(), self.inner.domain.health().is_away());
        let document = if is_away { self.inner.outages.get(&path) } else { self.inner.store.get(&path) }?;
        let freshness = if is_away { document.freshness_of_notice(now) } else { document.freshness(now) };
        let is_sent = match freshness {
            Freshness::Current => true,
            Freshness::Outdated => !document.has_place() && !wants_newest(headers),
            Freshness::Expired | Freshness::Erased => false,
        };
        if !is_sent {
            return None;
        }
        let answer = document.representation(Encoding::of(headers.get(header::ACCEPT_ENCODING)))?.answer(headers);
        document.note_use(now);
        Some(answer)
    }

    /// The answer to a request for the document at this address, which is made if need be.
    ///
    /// # Errors
    /// `not_found`; `unavailable` when it cannot be made now.
    pub async fn respond(&self, address: &Address, request: &HeaderMap) -> Result<Response> {
        let mut document = self.get(address, wants_newest(request)).await?;
        let encoding = Encoding::of(request.get(header::ACCEPT_ENCODING));
        for _ in 0..ATTEMPTS {
            if let Some(representation) = document.representation(encoding) {
                document.note_use(self.inner.domain.clock().now());
                return Ok(representation.answer(request));
            }
            document = self.encoded(document, encoding).await?;
        }
        Err(internal("a document lacks an encoding"))
    }

    /// What the cached documents take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.inner.store.bytes()
    }

    /// The document at an address: the cached one, or the next one if it is outdated.
    async fn get(&self, address: &Address, wants_newest: bool) -> Result<Arc<Document>> {
        let health = self.inner.domain.health();
        let present = tokio::select! {
            biased;
            () = health.away() => return self.last_known(address).await,
            present = self.present(address, wants_newest) => present,
        };
        match present {
            Err(error) if error.code == Code::Unavailable && health.is_away() => self.last_known(address).await,
            present => present,
        }
    }

    async fn present(&self, address: &Address, wants_newest: bool) -> Result<Arc<Document>> {
        let (path, now) = (address.path(), self.inner.domain.clock().now());
        let Some(known) = self.inner.store.get(&path) else { return self.next(address, &path).await };
        match known.freshness(now) {
            Freshness::Current => Ok(known),
            Freshness::Outdated => {
                let place = known.place();
                if place.is_none() && !wants_newest {
                    return Ok(known);
                }
                let limit = Duration::from_millis(OUTDATED_MS.unsigned_abs());
                match timeout(limit, self.next(address, &path)).await {
                    Ok(Err(error)) if error.code != Code::NotFound => Ok(known),
                    Ok(next) => next,
                    Err(_) => Ok(known),
                }
            }
            Freshness::Expired | Freshness::Erased => self.next(address, &path).await,
        }
    }

    /// The document as it is now or later.
    async fn next(&self, address: &Address, path: &str) -> Result<Arc<Document>> {
        let domain = &self.inner.domain;
        if self.inner.missing.has(path, domain.clock().now(), domain.versions().created()) {
            return Err(Error::not_found());
        }
        // Not later changes: the next document waits for a while if there are many.
        let newest = |document: Arc<Document>| document.origin.version.newest();
        let known = self.inner.store.get(path).map(newest);
        let mut document = self.made(address, path).await?;
        let needed = known.unwrap_or_else(|| newest(Arc::clone(&document)));
        // It may have been begun before the change that this request follows.
        for _ in 1..ATTEMPTS {
            if document.seq >= needed {
                break;
            }
            document = self.made(address, path).await?;
        }
        Ok(document)
    }

    /// Makes a document after the rest of the one before, or joins those who wait for it.
    fn made(&self, address: &Address, path: &str) -> Flight {
        let (cache, address, rest) = (self.clone(), address.clone(), self.rest(path));
        self.inner.flights.join(path.to_owned(), async move {
            if let Some(rest) = rest {
                _ = timeout(rest, cache.inner.domain.health().away()).await;
            }
            cache.make(address).await
        })
    }

    /// The same document with another encoding, made once for all who wait for it.
    fn encoded(&self, document: Arc<Document>, encoding: Encoding) -> Flight {
        let (cache, key) = (self.clone(), format!("{} {}", document.address.path(), encoding.name()));
        self.inner.flights.join(key, async move {
            let turn = cache.inner.renders.turn().await?;
            let known = Arc::clone(&document);
            let encoded = Arc::new(turn.render(move || document.with(encoding)).await??);
            cache.inner.store.replace(&known, Arc::clone(&encoded));
            Ok(encoded)
        })
    }

    async fn make(&self, address: Address) -> Result<Arc<Document>> {
        let inner = &self.inner;
        if !inner.domain.is_open() {
            return Err(unreachable());
        }
        // First its turn: what it is drawn from is memory as well.
        let turn = inner.renders.turn().await?;
        let created = inner.domain.versions().created();
        // A database that hangs does not keep the turns.
        let loading = timeout(LOAD_TIMEOUT, self.load(&address));
        let (origin, state, seq) = match loading.await.unwrap_or_else(|_| Err((unreachable(), None))) {
            Ok(loaded) => loaded,
            Err((error, of)) => {
                if error.code == Code::NotFound {
                    inner.missing.note(address.path(), inner.domain.clock().now(), created, of);
                } else if is_unreachable(&error) {
                    inner.domain.health().failed();
                }
                return Err(error);
            }
        };
        let now = inner.domain.clock().now();
        let fresh_until = state.fresh_until(now);
        self.save(&address, &origin, &state, seq);
        let document = self.drawn(turn, address, origin, state, (seq, fresh_until)).await?;
        inner.store.insert(Arc::clone(&document));
        let version = &document.origin.version;
        if document.seq < version.newest() {
            let change = Change { newest: version.newest(), is_erased: false };
            inner.domain.versions().mark(version.organization(), change);
        }
        self.publish(&document);
        self.improve_later(&document, now);
        Ok(document)
    }

    /// Draws a document from its state, off the threads that serve requests.
    async fn drawn(
        &self,
        turn: RenderTurn,
        address: Address,
        origin: Origin,
        state: Arc<State>,
        version: (Seq, Timestamp),
    ) -> Result<Arc<Document>> {
        let inner = &self.inner;
        let (now, drawing) = (inner.domain.clock().now(), inner.drawing.clone());
        let headers = inner.headers[usize::from(!address.kind.is_html())].clone();
        let pace = Pace::begin(inner.store.get(&address.path()).map(|known| known.pace), Instant::now());
        let draw = move || {
            let plain = state.draw(&address, &drawing)?;
            Document::new(address, origin, version, &plain, headers, (now, pace))
        };
        Ok(Arc::new(turn.render(draw).await??))
    }

    /// The state of a document: that of a status page is loaded once for all documents that show it.
    async fn load(&self, address: &Address) -> Result<Loaded, NotLoaded> {
        if !matches!(address.kind, Kind::Page | Kind::Status) {
            return self.load_alone(address).await;
        }
        let (cache, page) = (self.clone(), Address { slug: address.slug.clone(), kind: Kind::Page });
        // It must not hang when those who wait for it have given up.
        let work = async move {
            let loading = timeout(LOAD_TIMEOUT, cache.load_alone(&page));
            loading.await.unwrap_or_else(|_| Err((unreachable(), None)))
        };
        self.inner.states.load(&address.slug, self.inner.domain.clock().now(), work).await
    }

    /// Loads the state of a document, and its number. With the error comes the page, if there is one.
    async fn load_alone(&self, address: &Address) -> Result<Loaded, NotLoaded> {
        let domain = &self.inner.domain;
        let visitor = self.visit(address.slug.as_str()).await.map_err(|error| (error, None))?;
        // Before the state is read: what is committed later is noticed.
        let version = domain.versions().follow(visitor.organization());
        let newest = version.newest();
        let origin = Origin { visitor, version };
        match State::load(&origin.visitor, address.kind).await {
            Ok(state) => {
                let seq = state.seq().unwrap_or(newest);
                origin.version.seen(seq);
                Ok((origin, Arc::new(state), seq))
            }
            Err(error) => Err((error, Some(origin))),
        }
    }

    /// The right to read the page with this slug, without the database if it is cached.
    ///
    /// # Errors
    /// `not_found`; `unavailable`.
    pub async fn visit(&self, slug: &str) -> Result<Visitor> {
        let page = Address::new(slug, Kind::Page)?;
        match self.inner.store.get(&page.path()) {
            Some(document) => Ok(document.origin.visitor.clone()),
            None if self.inner.domain.is_open() => self.inner.domain.site().visit(slug).await,
            None => Err(unreachable()),
        }
    }

    /// Whether there is a page with this slug, around a path without a document.
    pub async fn has_page(&self, slug: &str, path: &str) -> bool {
        match self.inner.missing.is_in_page(path) {
            Some(is_in_page) => is_in_page,
            None => self.visit(slug).await.is_ok(),
        }
    }
}

/// Whether a request accepts no outdated document, such as that of a page that reloads its state.
fn wants_newest(headers: &HeaderMap) -> bool {
    let directives = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}
