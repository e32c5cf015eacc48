//! Services: REST, groups, order, pagination, versions and history.

mod groups;
mod history;
mod ordering;
mod pagination;
mod rest;
mod versions;
