//! Static files: client, styles and fonts, embedded by `main.rs` and served with `ETag`s and in compressed forms.
//!
//! A development build reads them from `target/site`, uncompressed.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::app::Assets;

/// For files with a content hash in their names.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ONE_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The base name of the client's files.
const CLIENT: &str = "aldis";

/// A directory of files, embedded or on disk. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    get: fn(&str) -> Option<EmbeddedFile>,
    names: fn() -> Vec<Cow<'static, str>>,
}

impl Files {
    /// The files that a type embeds.
    #[must_use]
    pub fn of<Folder: RustEmbed>() -> Self {
        Self { get: Folder::get, names: || Folder::iter().collect() }
    }
}

/// The site's files, and the paths of the client's, whose names change with each build.
#[derive(Clone, Debug)]
pub struct Site {
    files: Files,
    script: String,
    module: String,
    style: String,
}

impl Site {
    /// Finds the client among the files; `None` if it has not been built.
    #[must_use]
    pub fn find(files: Files) -> Option<Self> {
        let names = (files.names)();
        // "pkg/aldis.HASH.js"; a development build has no hash.
        let is_named = |name: &str, extension: &str| {
            let rest = name.strip_prefix("pkg/")?.strip_prefix(CLIENT)?.strip_suffix(extension)?;
            (rest.is_empty() || rest.starts_with('.') && !rest[1..].contains('.')).then_some(())
        };
        let find = |extension: &str| {
            names.iter().find(|name| is_named(name, extension).is_some()).map(|name| format!("/{name}"))
        };
        Some(Self { files, script: find(".js")?, module: find(".wasm")?, style: find(".css")? })
    }

    /// The files in `public` only, and client paths without files, for tests.
    #[cfg(test)]
    #[must_use]
    pub fn without_client() -> Self {
        #[derive(RustEmbed)]
        #[folder = "public/"]
        struct Public;
        let [script, module, style] = ["js", "wasm", "css"].map(|extension| format!("/pkg/{CLIENT}.{extension}"));
        Self { files: Files::of::<Public>(), script, module, style }
    }

    /// The paths that documents refer to.
    #[must_use]
    pub fn assets(&self) -> Assets {
        Assets { css: self.style.clone(), boot: format!("/boot.js?v={}", self.version()) }
    }

    /// The script that starts the client. It is a file so that the Content-Security-Policy can forbid inline scripts.
    #[must_use]
    pub fn boot(&self) -> Response {
        let Self { script, module, .. } = self;
        let text = format!(
            "import init, {{ hydrate }} from \"{script}\";\ninit({{ module_or_path: \"{module}\" }}).then(hydrate);\n"
        );
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
            (header::CACHE_CONTROL, if self.is_hashed() { IMMUTABLE } else { HeaderValue::from_static("no-cache") }),
        ];
        (headers, text).into_response()
    }

    fn version(&self) -> String {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{} {}", self.script, self.module));
        URL_SAFE_NO_PAD.encode(digest).chars().take(12).collect()
    }

    fn is_hashed(&self) -> bool {
        self.script.matches('.').count() > 1
    }

    /// Serves the file at this path, compressed if the client accepts it; `None` if there is no such file.
    #[must_use]
    pub fn file(&self, uri: &Uri, request: &HeaderMap) -> Option<Response> {
        let path = uri.path().trim_start_matches('/');
        // Compressed forms are selected by `Accept-Encoding`, not by path.
        if path.is_empty() || [".br", ".gz"].iter().any(|extension| path.ends_with(extension)) {
            return None;
        }
        let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
        let accepts =
            |encoding: &str| accepted.split(',').any(|entry| entry.split(';').next().unwrap_or("").trim() == encoding);
        let get = self.files.get;
        let compressed = [("br", "br"), ("gzip", "gz")]
            .into_iter()
            .filter(|(encoding, _)| accepts(encoding))
            .find_map(|(encoding, extension)| Some((encoding, get(&format!("{path}.{extension}"))?)));
        let (encoding, file) = match compressed {
            Some((encoding, file)) => (Some(encoding), file),
            None => (None, get(path)?),
        };
        Some(respond(path, encoding, file, request))
    }
}

/// Responds with a file, or with 304 if the client has it.
fn respond(path: &str, encoding: Option<&'static str>, file: EmbeddedFile, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]));
    let is_hashed = path.starts_with("pkg/") && path.matches('.').count() > 1;
    let mut response = if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        };
        let mut response = body.into_response();
        let kind = mime_guess::from_path(path).first_or_octet_stream();
        let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        if let Ok(kind) = HeaderValue::from_str(&kind) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::CACHE_CONTROL, if is_hashed { IMMUTABLE } else { ONE_DAY });
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "src/server"]
    struct NoClient;

    /// The files of a build, and of a second client with the same prefix.
    fn hashed() -> Vec<Cow<'static, str>> {
        ["aldis-public.b.js", "aldis.a1.js.br", "aldis.a1.js", "aldis.a2.wasm", "aldis.a3.css"]
            .map(|name| format!("pkg/{name}").into())
            .into()
    }

    #[test]
    fn the_client_is_found_by_its_name() {
        let site = Site::find(Files { get: |_| None, names: hashed }).expect("a client");
        assert_eq!((site.script.as_str(), site.module.as_str()), ("/pkg/aldis.a1.js", "/pkg/aldis.a2.wasm"));
        assert_eq!(site.style, "/pkg/aldis.a3.css");
        assert!(site.is_hashed());
        assert!(Site::find(Files::of::<NoClient>()).is_none());
        assert!(!Site::without_client().is_hashed());
    }

    #[test]
    fn a_file_is_served_with_an_etag_and_its_compressed_form_is_not() {
        let site = Site::without_client();
        let get = |path: &'static str, headers: &HeaderMap| site.file(&Uri::from_static(path), headers);
        let answer = get("/robots.txt", &HeaderMap::new()).expect("a file");
        assert_eq!(answer.status(), StatusCode::OK);
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, answer.headers()[header::ETAG].clone());
        assert_eq!(get("/robots.txt", &again).expect("a file").status(), StatusCode::NOT_MODIFIED);
        for none in ["/", "/nowhere", "/robots.txt.br", "/../Cargo.toml"] {
            assert!(get(none, &HeaderMap::new()).is_none(), "{none}");
        }
    }
}
