//! Content encodings: which one a request accepts, and the compression of bodies.

use std::io::{Read, Write};

use axum::http::HeaderValue;
use brotli::{CompressorReader, Decompressor};
use flate2::{Compression, write::GzEncoder};

use crate::{model::Result, server::error::internal};

/// The first brotli quality of a body: about 5 ms for 200 kB.
pub const BROTLI_FAST: u32 = 5;
/// The best one: about 0.4 s for 200 kB.
pub const BROTLI_BEST: u32 = 11;
/// The largest window for which every client has memory, as the logarithm of its size.
const BROTLI_WINDOW: u32 = 22;
const BUFFER: usize = 16 * 1024;

/// A content encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `br`, which every document has.
    Brotli,
    /// `gzip`, made when it is first asked for.
    Gzip,
    /// None, made when it is first asked for.
    Identity,
}

impl Encoding {
    /// Its name in headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The encoding that a request prefers by its `Accept-Encoding`; of equal ones, the smallest.
    #[must_use]
    pub fn of(accepted: Option<&HeaderValue>) -> Self {
        let Some(accepted) = accepted.and_then(|value| value.to_str().ok()) else { return Self::Identity };
        let (mut named, mut others) = ([None; 3], 0);
        for entry in accepted.split(',') {
            let mut parts = entry.split(';');
            let (name, weight) = (parts.next().unwrap_or("").trim(), parts.find_map(weight).unwrap_or(1_000));
            let place = match name {
                _ if name.eq_ignore_ascii_case("br") => 0,
                _ if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => 1,
                _ if name.eq_ignore_ascii_case("identity") => 2,
                "*" => {
                    others = weight;
                    continue;
                }
                _ => continue,
            };
            named[place] = Some(weight);
        }
        // Without a word about it, no encoding at all is acceptable, but never better than one that is.
        let weights = [named[0].unwrap_or(others), named[1].unwrap_or(others), named[2].unwrap_or(0)];
        let best = weights.into_iter().max().unwrap_or(0);
        let choices = [Self::Brotli, Self::Gzip, Self::Identity].into_iter().zip(weights);
        choices.into_iter().find(|(_, weight)| best > 0 && *weight == best).map_or(Self::Identity, |(choice, _)| choice)
    }
}

/// The weight of a parameter `q=0.5`, in thousandths; one that makes no sense counts as 0.
fn weight(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| {
        let weight: f32 = value.trim().parse().unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
        let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u32;
        thousandths
    })
}

/// Compresses with brotli at this quality.
///
/// # Errors
/// `internal`, which does not occur in memory.
pub fn brotli(plain: &[u8], quality: u32) -> Result<Vec<u8>> {
    let mut compressed = Vec::with_capacity(plain.len() / 8);
    CompressorReader::new(plain, BUFFER, quality, BROTLI_WINDOW).read_to_end(&mut compressed).map_err(internal)?;
    Ok(compressed)
}

/// Decompresses brotli.
///
/// # Errors
/// `internal` when it is not brotli.
pub fn plain(compressed: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::with_capacity(compressed.len() * 8);
    Decompressor::new(compressed, BUFFER).read_to_end(&mut plain).map_err(internal)?;
    Ok(plain)
}

/// Compresses with gzip.
///
/// # Errors
/// `internal`, which does not occur in memory.
pub fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 6), Compression::default());
    encoder.write_all(plain).and_then(|()| encoder.finish()).map_err(internal)
}

/// Whether an `If-None-Match` names this entity tag, by weak comparison: a list, weak tags and `*` count.
#[must_use]
pub fn names(if_none_match: &HeaderValue, etag: &HeaderValue) -> bool {
    let (known, etag) = (if_none_match.as_bytes(), etag.as_bytes());
    known == etag
        || known.split(|byte| *byte == b',').any(|tag| {
            let tag = tag.trim_ascii();
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_the_smallest_encoding_it_accepts() {
        for (accepted, chosen) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip, deflate", Encoding::Gzip),
            ("", Encoding::Identity),
            ("deflate", Encoding::Identity),
            ("BR;q=1.0", Encoding::Brotli),
            ("br;q=0, gzip", Encoding::Gzip),
            ("br;q=0.5, gzip;q=0.8", Encoding::Gzip),
            ("br; Q=0.000, gzip ; q=0", Encoding::Identity),
            ("*", Encoding::Brotli),
            ("*;q=0", Encoding::Identity),
            ("br;q=0, *", Encoding::Gzip),
            ("identity", Encoding::Identity),
            ("identity, br;q=0.5", Encoding::Identity),
            ("identity;q=0.5, gzip;q=0.5", Encoding::Gzip),
            ("br;q=nonsense, gzip", Encoding::Gzip),
            ("embroidery", Encoding::Identity),
        ] {
            let header = HeaderValue::from_static(accepted);
            assert_eq!(Encoding::of(Some(&header)), chosen, "{accepted:?}");
        }
        assert_eq!(Encoding::of(None), Encoding::Identity);
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let text = "All systems operational. ".repeat(2000);
        for quality in [BROTLI_FAST, BROTLI_BEST] {
            let compressed = brotli(text.as_bytes(), quality).expect("compressed");
            assert!(compressed.len() < 200);
            assert_eq!(plain(&compressed).expect("plain"), text.as_bytes());
        }
        let mut back = String::new();
        let zipped = gzip(text.as_bytes()).expect("compressed");
        flate2::read::GzDecoder::new(zipped.as_slice()).read_to_string(&mut back).expect("gzip");
        assert_eq!(back, text);
        assert!(plain(b"not brotli").is_err());
    }

    #[test]
    fn an_entity_tag_is_found_in_lists_and_weak_forms() {
        let etag = HeaderValue::from_static("\"abc-br\"");
        for (known, is_named) in [
            ("\"abc-br\"", true),
            ("W/\"abc-br\"", true),
            ("\"x\", W/\"abc-br\" , \"y\"", true),
            ("*", true),
            ("\"abc-gzip\"", false),
            ("abc-br", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(known), &etag), is_named, "{known}");
        }
    }
}
