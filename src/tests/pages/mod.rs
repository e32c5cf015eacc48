//! What is shown and described: the pages, their forms, and the OpenAPI document.

mod answer_budget;
mod demo;
mod documents;
mod files;
mod forms;
mod openapi;
mod outages;
mod page_capacity;
mod public_cache;
mod public_incidents;
mod readiness;
