//! URLs of pages, without their origin.

/// A page's path with its query.
pub fn full_path(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}
