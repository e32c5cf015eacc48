//! The tests over the whole product: through the door, on a real database (style rules 31 to 35). Those below
//! `architecture` read the sources instead, and need no database.
//!
//! All tests run in parallel on one database; what keeps them apart is what keeps customers apart: each registers its
//! own organizations. `ALDIS_TEST_DATABASE_URL` names the database, otherwise it is an SQLite file of this run.

mod architecture;
mod identity;
mod incidents;
mod live;
mod pages;
mod security;
mod services;
mod storage;
pub mod support;
