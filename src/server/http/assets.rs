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

use super::headers::NO_STORE;
use crate::app::Assets;

/// For files with a content hash in their names.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ONE_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("Accept-Encoding");

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
        let find = |extension: &str| {
            let is_named = |name: &str| matches!(BuiltFile::of(name), Some(file) if file.is(CLIENT, extension));
            names.iter().find(|name| is_named(name)).map(|name| format!("/{name}"))
        };
        Some(Self { files, script: find("js")?, module: find("wasm")?, style: find("css")? })
    }

    /// The files in `public`, and a client that does nothing, for tests.
    #[cfg(test)]
    #[must_use]
    pub fn for_tests() -> Self {
        let get = |path: &str| match path {
            "pkg/aldis.b1.js" | "pkg/aldis.b2.wasm" | "pkg/aldis.b3.css" => tests::Public::get("robots.txt"),
            "pkg/aldis.b1.js.br" | "pkg/aldis.b3.css.gz" => tests::Public::get("favicon.svg"),
            _ => tests::Public::get(path),
        };
        let [script, module, style] = ["b1.js", "b2.wasm", "b3.css"].map(|rest| format!("/pkg/{CLIENT}.{rest}"));
        Self { files: Files { get, names: Vec::new }, script, module, style }
    }

    /// The paths that documents refer to.
    #[must_use]
    pub fn assets(&self) -> Assets {
        Assets { css: self.style.clone(), boot: format!("/boot.js?v={}", self.version()) }
    }

    /// The script that starts the client, also for the documents of another build. It is a file so that the
    /// Content-Security-Policy can forbid inline scripts.
    #[must_use]
    pub fn boot(&self, uri: &Uri) -> Response {
        let text = format!("import init, {{ hydrate }} from \"{}\";\ninit().then(hydrate);\n", self.script);
        let is_present = BuiltFile::of(&self.script[1..]).is_some_and(|script| !script.hash.is_empty())
            && uri.query().and_then(|query| query.strip_prefix("v=")) == Some(self.version().as_str());
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
            (header::CACHE_CONTROL, if is_present { IMMUTABLE } else { NO_STORE }),
        ];
        (headers, text).into_response()
    }

    fn version(&self) -> String {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{} {}", self.script, self.module));
        URL_SAFE_NO_PAD.encode(digest).chars().take(12).collect()
    }

    /// Serves the file at this path, compressed if the client accepts it; `None` if there is no such file.
    ///
    /// Documents that a CDN, a folder or an open tab has kept name the client's files of another build: they get this
    /// build's, which nobody may keep under that name. Two builds are never mixed by that. A script loads its own
    /// build's module, whatever its document names, and a module refuses the scripts of other builds, such as one that a
    /// browser has kept (xtask/src/bindgen.rs); the document then stays as it was drawn.
    #[must_use]
    pub fn file(&self, uri: &Uri, request: &HeaderMap) -> Option<Response> {
        let path = uri.path().trim_start_matches('/');
        // Compressed forms are selected by `Accept-Encoding`, not by path.
        if path.is_empty() || [".br", ".gz"].iter().any(|extension| path.ends_with(extension)) {
            return None;
        }
        if let Some(file) = self.open(path, request) {
            return Some(cacheable(path, file, request));
        }
        let path = self.in_place_of(path)?;
        let mut response = content(path, self.open(path, request)?);
        response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
        Some(response)
    }

    /// The path of this build's file that is served for the one of another build.
    fn in_place_of(&self, path: &str) -> Option<&str> {
        let other = BuiltFile::of(path).filter(|other| !other.hash.is_empty())?;
        let mut present = [&self.script, &self.module, &self.style].into_iter().map(|path| &path[1..]);
        present.find(|path| BuiltFile::of(path).is_some_and(|file| file.is(other.name, other.extension)))
    }

    fn open(&self, path: &str, request: &HeaderMap) -> Option<File> {
        let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
        let accepts =
            |encoding: &str| accepted.split(',').any(|entry| entry.split(';').next().unwrap_or("").trim() == encoding);
        let get = self.files.get;
        let compressed = [("br", "br"), ("gzip", "gz")]
            .into_iter()
            .filter(|(encoding, _)| accepts(encoding))
            .find_map(|(encoding, extension)| Some((Some(encoding), get(&format!("{path}.{extension}"))?)));
        compressed.or_else(|| Some((None, get(path)?)))
    }
}

/// A file and its encoding.
type File = (Option<&'static str>, EmbeddedFile);

/// The parts of a path `pkg/NAME.HASH.EXTENSION`, of whichever build. A development build has no hash.
struct BuiltFile<'a> {
    name: &'a str,
    hash: &'a str,
    extension: &'a str,
}

impl<'a> BuiltFile<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let parts: Vec<_> = path.strip_prefix("pkg/")?.split('.').collect();
        let (name, hash, extension) = match parts[..] {
            [name, extension] => (name, "", extension),
            [name, hash, extension] if !hash.is_empty() => (name, hash, extension),
            _ => return None,
        };
        hash.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(Self { name, hash, extension })
    }

    fn is(&self, name: &str, extension: &str) -> bool {
        (self.name, self.extension) == (name, extension)
    }
}

/// Responds with a file, or with 304 if the client has it.
fn cacheable(path: &str, file: File, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.1.metadata.sha256_hash()[..12]));
    let is_hashed = path.starts_with("pkg/") && path.matches('.').count() > 1;
    let mut response = if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        (StatusCode::NOT_MODIFIED, [(header::VARY, ACCEPT_ENCODING)]).into_response()
    } else {
        content(path, file)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, if is_hashed { IMMUTABLE } else { ONE_DAY });
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Responds with a file, without a word about keeping it.
fn content(path: &str, (encoding, file): File) -> Response {
    let body = match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.insert(header::VARY, ACCEPT_ENCODING);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "public/"]
    pub struct Public;

    #[derive(RustEmbed)]
    #[folder = "src/server"]
    struct NoClient;

    /// The files of a build, and of a second client with the same prefix.
    fn hashed() -> Vec<Cow<'static, str>> {
        ["aldis-public.b.js", "aldis.a1.js.br", "aldis.a1.js", "aldis.a2.wasm", "aldis.a3.css"]
            .map(|name| format!("pkg/{name}").into())
            .into()
    }

    /// The files of a development build.
    fn unhashed() -> Vec<Cow<'static, str>> {
        ["aldis.js", "aldis.wasm", "aldis.css"].map(|name| format!("pkg/{name}").into()).into()
    }

    #[test]
    fn the_client_is_found_by_its_name() {
        let site = Site::find(Files { get: |_| None, names: hashed }).expect("a client");
        assert_eq!((site.script.as_str(), site.module.as_str()), ("/pkg/aldis.a1.js", "/pkg/aldis.a2.wasm"));
        assert_eq!(site.style, "/pkg/aldis.a3.css");
        assert!(Site::find(Files::of::<NoClient>()).is_none());
        let site = Site::find(Files { get: |_| None, names: unhashed }).expect("a client");
        assert_eq!(
            (site.style.as_str(), site.in_place_of("pkg/aldis.0.css")),
            ("/pkg/aldis.css", Some("pkg/aldis.css"))
        );
    }

    #[test]
    fn only_files_of_other_builds_are_replaced() {
        let site = Site::for_tests();
        for (path, present) in [
            ("pkg/aldis.0123456789abcdef.js", Some("pkg/aldis.b1.js")),
            ("pkg/aldis.0.wasm", Some("pkg/aldis.b2.wasm")),
            ("pkg/aldis.ff.css", Some("pkg/aldis.b3.css")),
            ("pkg/aldis.js", None),
            ("pkg/aldis..js", None),
            ("pkg/aldis.min.js", None),
            ("pkg/aldis.0.1.js", None),
            ("pkg/aldis.0.js.map", None),
            ("pkg/aldis.0.html", None),
            ("pkg/aldis0.js", None),
            ("pkg/aldis-public.0.js", None),
            ("pkg/old/aldis.0.js", None),
            ("aldis.0.js", None),
            ("pkg/none.js", None),
        ] {
            assert_eq!(site.in_place_of(path), present, "{path}");
        }
    }

    #[test]
    fn a_file_is_served_with_an_etag_and_its_compressed_form_is_not() {
        let site = Site::for_tests();
        let get = |path: &'static str, headers: &HeaderMap| site.file(&Uri::from_static(path), headers);
        let answer = get("/robots.txt", &HeaderMap::new()).expect("a file");
        assert_eq!(answer.status(), StatusCode::OK);
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, answer.headers()[header::ETAG].clone());
        assert_eq!(get("/robots.txt", &again).expect("a file").status(), StatusCode::NOT_MODIFIED);
        for none in ["/", "/nowhere", "/robots.txt.br", "/../Cargo.toml", "/pkg/aldis.0.js.br"] {
            assert!(get(none, &HeaderMap::new()).is_none(), "{none}");
        }
    }
}
