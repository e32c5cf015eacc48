//! Resources: data that the server loads and embeds in a page of the team.
//!
//! The client reads them with the JSON reader that server functions use. Leptos's own codec has another one, for which
//! every type would be compiled again.

use codee::{Decoder, Encoder};
use serde::{Serialize, de::DeserializeOwned};

use crate::model::json;

/// A resource of this application.
pub type Resource<T> = leptos::prelude::Resource<T, Json>;

/// The codec of embedded data.
#[derive(Debug)]
pub struct Json;

impl<T: Serialize> Encoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        json::read(text)
    }
}

/// Loads data whenever `source` changes. The response waits for the first load.
#[track_caller]
pub fn blocking_resource<S, T, Fut>(
    source: impl Fn() -> S + Send + Sync + 'static,
    load: impl Fn(S) -> Fut + Send + Sync + 'static,
) -> Resource<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    Resource::new_with_options(source, load, true)
}
