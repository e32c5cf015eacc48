//! What is shown and described: the pages, their forms, and the OpenAPI document.

mod crowds;
mod demo;
mod documents;
mod forms;
mod openapi;
mod public_incidents;
