//! What outlives the database, on disk: the states that public documents are rendered from (`StateSnapshots`), for pages
//! that are not in memory while the database is away, and rendered documents (`PageDirectory`), for a web server or a
//! CDN.

mod directory;
mod document;
mod files;
mod index;
mod state;
#[cfg(test)]
mod tests;

#[cfg(test)]
use directory::WrittenFile;
pub use directory::{DocumentBytes, PageDirectory, PageFile};
pub use document::{Document, DocumentKind, DocumentState, Revision};
pub use state::{StateSnapshots, Verified};
