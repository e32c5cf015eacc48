//! Shared by the tests: the server, its clients, its endpoints, fixtures and the database.

pub mod app;
pub mod clients;
pub mod database;
pub mod endpoints;
pub mod fixtures;
pub mod instances;
pub mod invitations;
pub mod public_page;
pub mod second_factor;
pub mod sockets;
