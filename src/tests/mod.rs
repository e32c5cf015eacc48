//! Integration tests over HTTP: the real router on a real database (CONTRIBUTING.md, "Tests"). Those in `architecture`
//! read the sources instead and need no database.
//!
//! All tests run in parallel on one database and are isolated like customers: each registers its own organizations.
//! `ALDIS_TEST_DATABASE_URL` selects the database; the default is an SQLite file of this run.

mod architecture;
mod identity;
mod incidents;
mod live;
mod pages;
mod security;
mod services;
mod storage;
pub mod support;
