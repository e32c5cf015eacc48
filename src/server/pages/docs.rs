//! The API documentation, rendered once at the start from the OpenAPI document.

use axum::{
    body::Bytes,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::{app::Assets, server::public_cache::html};

/// The rendered page. Cheap to clone.
#[derive(Clone)]
pub struct Documentation(Bytes);

impl Documentation {
    /// Renders the document.
    #[must_use]
    pub fn of(openapi: &OpenApi, assets: &Assets) -> Self {
        let api = serde_json::to_value(openapi).unwrap_or_default();
        Self(html(|| view! { <Page api=api css=assets.css.clone()/> }).into())
    }

    /// `GET /api`.
    #[must_use]
    pub fn page(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate")),
        ];
        (headers, self.0.clone()).into_response()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The operations of one tag, in the order of their paths.
fn operations(api: &Value, tag: &str) -> Vec<(String, String, Value)> {
    let paths = api["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
        })
        .filter(|(_, _, operation)| operation["tags"][0] == tag)
        .collect()
}

#[component]
fn Page(api: Value, css: String) -> impl IntoView {
    let sections = api["tags"].as_array().cloned().unwrap_or_default();
    let contents = sections.iter().map(|tag| text(&tag["name"])).collect::<Vec<_>>();
    let description = text(&api["info"]["description"]);
    let server = text(&api["servers"][0]["url"]);
    let example = format!(
        "curl {server}/api/auth/login \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"email\": \"ada@example.com\", \"password\": \"…\"}}'\n\n\
         curl -X PUT {server}/api/services/ID \\\n  -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\\n  -d '{{\"status\": \"major_outage\"}}'"
    );
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>"API · Aldis"</title>
                <link rel="stylesheet" href=css/>
                <link rel="icon" href="/favicon.svg"/>
            </head>
            <body>
                <a class="skip-link" href="#main">"Skip to content"</a>
                <main id="main" class="api-docs">
                    <h1>"API"</h1>
                    <p>{description}</p>
                    <p><a href="/api/openapi.json">"OpenAPI document"</a></p>
                    <h2>"Getting started"</h2>
                    <pre tabindex="0"><code>{example}</code></pre>
                    <nav aria-label="Sections">
                        <ul>
                            {contents
                                .into_iter()
                                .map(|name| view! { <li><a href=format!("#{}", anchor(&name))>{name.clone()}</a></li> })
                                .collect_view()}
                        </ul>
                    </nav>
                    {sections
                        .into_iter()
                        .map(|tag| {
                            let name = text(&tag["name"]);
                            let operations = operations(&api, &name);
                            let api = api.clone();
                            view! {
                                <section aria-labelledby=anchor(&name)>
                                    <h2 id=anchor(&name)>{name.clone()}</h2>
                                    <p>{text(&tag["description"])}</p>
                                    {operations
                                        .into_iter()
                                        .map(|(method, path, operation)| {
                                            view! { <Operation api=api.clone() method path operation/> }
                                        })
                                        .collect_view()}
                                </section>
                            }
                        })
                        .collect_view()}
                </main>
            </body>
        </html>
    }
}

/// One operation: summary, parameters, body and responses.
#[component]
fn Operation(api: Value, method: String, path: String, operation: Value) -> impl IntoView {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let body = &operation["requestBody"]["content"]["application/json"];
    let body = schema_name(&body["schema"]).map(|name| {
        let examples = examples(body, &api["components"]["schemas"][&name]);
        let fields = fields(&api, &name);
        view! {
            <h4>"Body"</h4>
            <dl>{fields}</dl>
            {examples
                .into_iter()
                .map(|(title, example)| {
                    view! {
                        {title.map(|title| view! { <p>{title}":"</p> })}
                        <pre tabindex="0"><code>{example}</code></pre>
                    }
                })
                .collect_view()}
        }
    });
    let responses = operation["responses"].as_object().cloned().unwrap_or_default();
    let secured = operation["security"].is_array();
    view! {
        <article>
            <h3><code>{method}" "{path}</code></h3>
            <p>{text(&operation["summary"])}{secured.then_some(" · requires a token")}</p>
            {operation["description"].as_str().map(|more| view! { <p>{more.to_owned()}</p> })}
            {(!parameters.is_empty())
                .then(|| {
                    view! {
                        <h4>"Parameters"</h4>
                        <dl>
                            {parameters
                                .iter()
                                .map(|parameter| {
                                    view! {
                                        <dt><code>{text(&parameter["name"])}</code>" in "{text(&parameter["in"])}</dt>
                                        <dd>{text(&parameter["description"])}</dd>
                                    }
                                })
                                .collect_view()}
                        </dl>
                    }
                })}
            {body}
            <h4>"Responses"</h4>
            <dl>
                {responses
                    .into_iter()
                    .map(|(status, response)| {
                        view! { <dt><code>{status}</code></dt><dd>{text(&response["description"])}</dd> }
                    })
                    .collect_view()}
            </dl>
        </article>
    }
}

/// Examples of a body: the operation's own with their titles, or the one of its schema.
fn examples(body: &Value, schema: &Value) -> Vec<(Option<String>, String)> {
    let pretty = |example: &Value| serde_json::to_string_pretty(example).unwrap_or_default();
    match (body["examples"].as_object(), &schema["example"]) {
        (Some(named), _) => {
            named.iter().map(|(title, example)| (Some(title.clone()), pretty(&example["value"]))).collect()
        }
        (None, Value::Null) => Vec::new(),
        (None, example) => vec![(None, pretty(example))],
    }
}

fn fields(api: &Value, name: &str) -> impl IntoView + use<> {
    let schema = &api["components"]["schemas"][name];
    let required: Vec<String> = schema["required"].as_array().into_iter().flatten().map(text).collect();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    properties
        .into_iter()
        .map(|(field, schema)| {
            let needed = required.contains(&field).then_some(" (required)");
            view! { <dt><code>{field}</code>{needed}</dt><dd>{text(&schema["description"])}</dd> }
        })
        .collect_view()
}

fn schema_name(schema: &Value) -> Option<String> {
    Some(schema["$ref"].as_str()?.rsplit('/').next()?.to_owned())
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
