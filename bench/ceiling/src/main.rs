//! The least an axum server can do: hands out one page whose bytes are ready, in the encoding asked for, or a 304.
//!
//! Usage: `ceiling PORT FILE`, where FILE, FILE.gz and FILE.br are the page in its three encodings.

use std::{env, error::Error, fs};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

/// The page in one encoding.
#[derive(Clone)]
struct Page {
    headers: HeaderMap,
    unchanged: HeaderMap,
    etag: HeaderValue,
    bytes: Bytes,
}

impl Page {
    fn new(bytes: Vec<u8>, encoding: &'static str) -> Result<Self, Box<dyn Error>> {
        let etag = HeaderValue::try_from(format!("\"{encoding}-1\""))?;
        let unchanged: HeaderMap = [
            (ETAG, etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ]
        .into_iter()
        .collect();
        let mut headers = unchanged.clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if encoding != "identity" {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        Ok(Self { headers, unchanged, etag, bytes: bytes.into() })
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        if request.get(IF_NONE_MATCH) == Some(&self.etag) {
            return (StatusCode::NOT_MODIFIED, self.unchanged.clone()).into_response();
        }
        let mut response = Response::new(Body::from(self.bytes.clone()));
        *response.headers_mut() = self.headers.clone();
        response
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, file] = arguments.as_slice() else {
        return Err("usage: ceiling PORT FILE, with FILE.gz and FILE.br beside FILE".into());
    };
    let identity = Page::new(fs::read(file)?, "identity")?;
    let gzip = Page::new(fs::read(format!("{file}.gz"))?, "gzip")?;
    let br = Page::new(fs::read(format!("{file}.br"))?, "br")?;
    let page = move |request: HeaderMap| async move {
        let accepted = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let page = match accepted {
            _ if accepted.contains("br") => &br,
            _ if accepted.contains("gzip") => &gzip,
            _ => &identity,
        };
        page.answer(&request)
    };
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    axum::serve(listener, Router::new().route("/", get(page))).await?;
    Ok(())
}
