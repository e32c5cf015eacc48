//! Line icons. Decoration beside words, so hidden from screen readers.

use leptos::prelude::*;

/// A line icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Move up.
    Up,
    /// Move down.
    Down,
    /// A link to another part of the site.
    Away,
    /// The menu.
    Menu,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Up => "M4 10l4-4l4 4",
            Self::Down => "M4 6l4 4l4-4",
            Self::Away => "M5 11l6-6M6 5h5v5",
            Self::Menu => "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
        }
    }

    /// The icon as an element.
    pub fn draw(self) -> impl IntoView {
        view! {
            <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                <path d=self.path()></path>
            </svg>
        }
    }
}
