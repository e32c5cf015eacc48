//! Redirects that stay on this site: protection against open redirects.

/// Whether a redirect to this path stays on this site.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 512
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

/// Appends `next`, the path to return to, to a page's path.
#[must_use]
pub fn with_next(page: &str, next: &str) -> String {
    let next: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{page}?{next}")
}

/// The path if it is one of our own, otherwise the dashboard's.
#[must_use]
pub fn own_or_dashboard(path: String) -> String {
    if is_own_path(&path) { path } else { "/dashboard".into() }
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn r_37_redirects_stay_on_this_site() {
        for path in ["/", "/dashboard", "/services/1?before=2"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "dashboard",
            "//evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "https://evil.test",
            "/\t/evil.test",
            "/ evil",
            "/\r\nx: y",
            "javascript:alert(1)",
        ] {
            assert!(!is_own_path(path), "{path:?}");
        }
    }
}
