//! A public document as bytes, with the headers of its answers, ready to be sent.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    address::Address,
    encoding::{self, Encoding},
    pace::Pace,
};
use crate::{
    model::{Result, Seq, Timestamp},
    server::{domain::Visitor, error::internal, live::versions::PublicVersion},
};

/// How long an outdated document may be shown while the next one is made, in milliseconds.
pub const OUTDATED_MS: i64 = 1_000;
/// The same for a document whose time has passed, while nothing was changed.
const EXPIRED_MS: i64 = 5_000;
/// How many requests wait for the next document while others get the outdated one: whoever has just changed something,
/// and looks, sees it; a crowd waits for nothing.
const WAITING_MAX: usize = 4;
/// What a document takes besides its bodies, for the bound of the cache.
const OVERHEAD: usize = 8 * 1024;

/// Whether a document can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It shows the present state.
    Current,
    /// It may be shown while the next one is made.
    Outdated,
    /// It must not be shown while the database can be read.
    Expired,
    /// It must not be shown at all: something in it was erased.
    Erased,
}

/// One content encoding of a document.
#[derive(Clone, Debug)]
pub struct Representation {
    body: Bytes,
    etag: HeaderValue,
    /// The headers of an answer with the body, and of one without.
    full: HeaderMap,
    not_modified: HeaderMap,
}

/// What the documents of a page have in common.
#[derive(Clone)]
pub struct Origin {
    /// The right to read the page.
    pub visitor: Visitor,
    /// What is known of its state.
    pub version: Arc<PublicVersion>,
}

/// A document.
pub struct Document {
    /// Its address.
    pub address: Address,
    /// Whose it is.
    pub origin: Origin,
    /// The number of the state it shows.
    pub seq: Seq,
    /// When it must be made anew even if nothing changes.
    pub fresh_until: Timestamp,
    /// When the next one may be begun.
    pub pace: Pace,
    brotli: Representation,
    gzip: Option<Representation>,
    identity: Option<Representation>,
    /// The headers of every answer.
    headers: HeaderMap,
    /// When it was last asked for, in milliseconds since 1970.
    used_at: AtomicI64,
    /// When it was first seen to be outdated; 0 if it was not.
    outdated_at: AtomicI64,
    waiting: AtomicUsize,
}

impl Document {
    /// A document from its plain bytes, begun with this pace; the headers are those of every answer.
    ///
    /// # Errors
    /// `internal`.
    pub fn new(
        address: Address,
        origin: Origin,
        (seq, fresh_until): (Seq, Timestamp),
        plain: &[u8],
        headers: HeaderMap,
        (now, pace): (Timestamp, Pace),
    ) -> Result<Self> {
        let brotli = encoding::brotli(plain, encoding::BROTLI_FAST)?;
        Ok(Self {
            address,
            origin,
            seq,
            fresh_until,
            pace: pace.made(Instant::now()),
            brotli: Representation::new(Encoding::Brotli, brotli, &headers)?,
            gzip: None,
            identity: None,
            headers,
            used_at: AtomicI64::new(now.millis()),
            outdated_at: AtomicI64::new(0),
            waiting: AtomicUsize::new(0),
        })
    }

    /// The same document with one more encoding, or with a better form of it.
    ///
    /// # Errors
    /// `internal`.
    pub fn with(&self, encoding: Encoding) -> Result<Self> {
        let plain = self.plain()?;
        let (mut brotli, mut gzip, mut identity) = (self.brotli.clone(), self.gzip.clone(), self.identity.clone());
        let made = |body| Representation::new(encoding, body, &self.headers);
        match encoding {
            Encoding::Brotli => brotli = made(encoding::brotli(&plain, encoding::BROTLI_BEST)?)?,
            Encoding::Gzip => gzip = Some(made(encoding::gzip(&plain)?)?),
            Encoding::Identity => identity = Some(made(plain)?),
        }
        Ok(Self {
            address: self.address.clone(),
            origin: self.origin.clone(),
            headers: self.headers.clone(),
            used_at: AtomicI64::new(self.used_at.load(Ordering::Relaxed)),
            outdated_at: AtomicI64::new(self.outdated_at.load(Ordering::Relaxed)),
            waiting: AtomicUsize::new(0),
            seq: self.seq,
            fresh_until: self.fresh_until,
            pace: self.pace,
            brotli,
            gzip,
            identity,
        })
    }

    /// Its plain bytes.
    ///
    /// # Errors
    /// `internal`.
    pub fn plain(&self) -> Result<Vec<u8>> {
        encoding::plain(&self.brotli.body)
    }

    /// Its bytes in an encoding, if they have been made.
    #[must_use]
    pub const fn representation(&self, encoding: Encoding) -> Option<&Representation> {
        match encoding {
            Encoding::Brotli => Some(&self.brotli),
            Encoding::Gzip => self.gzip.as_ref(),
            Encoding::Identity => self.identity.as_ref(),
        }
    }

    /// What it takes of the cache, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let others = [&self.gzip, &self.identity].into_iter().flatten();
        OVERHEAD + self.brotli.body.len() + others.map(|other| other.body.len()).sum::<usize>()
    }

    /// Whether it can be shown.
    #[must_use]
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let version = &self.origin.version;
        if self.seq < version.least() {
            Freshness::Erased
        } else if self.seq < version.newest() {
            self.mark_outdated(now);
            let outdated_at = self.outdated_at.load(Ordering::Relaxed);
            if now.millis() < outdated_at + OUTDATED_MS { Freshness::Outdated } else { Freshness::Expired }
        } else if now < self.fresh_until {
            Freshness::Current
        } else if now < self.fresh_until.plus_millis(EXPIRED_MS) {
            Freshness::Outdated
        } else {
            Freshness::Expired
        }
    }

    /// As [`Self::freshness`], of a document that says it may be out of date.
    #[must_use]
    pub fn freshness_of_notice(&self, now: Timestamp) -> Freshness {
        match self.freshness(now) {
            Freshness::Erased => Freshness::Erased,
            _ if now < self.fresh_until => Freshness::Current,
            _ => Freshness::Expired,
        }
    }

    /// When its state was first seen to be no longer the newest.
    #[must_use]
    pub fn outdated_since(&self) -> Option<Timestamp> {
        let millis = self.outdated_at.load(Ordering::Relaxed);
        (millis > 0).then(|| Timestamp::from_millis(millis))
    }

    /// Notes that the state has changed.
    pub fn mark_outdated(&self, now: Timestamp) {
        let _ = self.outdated_at.compare_exchange(0, now.millis(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes that it was asked for.
    pub fn note_use(&self, now: Timestamp) {
        // Once a second is enough, and the threads do not contend for it.
        if now.millis() - self.used_at.load(Ordering::Relaxed) > 1_000 {
            self.used_at.store(now.millis(), Ordering::Relaxed);
        }
    }

    /// When it was last asked for, in milliseconds since 1970.
    #[must_use]
    pub fn used_at(&self) -> i64 {
        self.used_at.load(Ordering::Relaxed)
    }

    /// Whether another request may wait for the next document.
    #[must_use]
    pub fn has_place(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < WAITING_MAX
    }

    /// One of the places to wait for the next document, if any is free.
    #[must_use]
    pub fn place(self: &Arc<Self>) -> Option<Place> {
        let place = Place(Arc::clone(self));
        (self.waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(place)
    }
}

/// A document that was made at this time.
pub struct Young(pub Timestamp, pub Weak<Document>);

/// A request that waits for the next document.
pub struct Place(Arc<Document>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Representation {
    fn new(encoding: Encoding, body: Vec<u8>, headers: &HeaderMap) -> Result<Self> {
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..12]);
        let etag = HeaderValue::from_str(&format!("\"{digest}-{}\"", encoding.name())).map_err(internal)?;
        let mut full = headers.clone();
        full.insert(header::ETAG, etag.clone());
        full.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        let mut not_modified = full.clone();
        // Those of the body, which the client has.
        not_modified.remove(header::CONTENT_TYPE);
        if encoding != Encoding::Identity {
            full.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        Ok(Self { body: body.into(), etag, full, not_modified })
    }

    /// The bytes.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The answer to a request with these headers: the body, or 304 if the client has it. For HEAD, the connection
    /// leaves the body out.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_known = request.get(header::IF_NONE_MATCH).is_some_and(|known| encoding::names(known, &self.etag));
        let (status, headers, body) = if is_known {
            (StatusCode::NOT_MODIFIED, &self.not_modified, Body::empty())
        } else {
            (StatusCode::OK, &self.full, Body::from(self.body.clone()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers.clone();
        response
    }
}
