//! What the tests share: the server, who comes to it, its doors, and the database below.

pub mod app;
pub mod clients;
pub mod database;
pub mod doors;
pub mod instances;
pub mod invitations;
pub mod owners;
pub mod public_page;
pub mod second_factor;
pub mod sockets;
