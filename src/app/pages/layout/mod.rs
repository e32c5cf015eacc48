//! Layout: navigation, page heading, organization switcher, not-found page.

pub mod frame;
pub mod not_found;
pub mod page;
pub mod switcher;
