//! Services and their groups: what there is of them, in which order, and how they have been.

mod groups;
mod history;
mod ordering;
mod pagination;
mod rest;
mod versions;
