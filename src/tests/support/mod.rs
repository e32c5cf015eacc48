//! What the tests share: the server, who comes to it, its doors, and the database below.

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
