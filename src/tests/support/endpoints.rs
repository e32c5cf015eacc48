//! The server's endpoints, from the OpenAPI document and the registry of server functions, so that tests of all
//! endpoints include new ones.

use axum::http::Method;
use serde_json::Value;

use super::app::TestApp;

/// The value of a server function's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The id of a service.
    Service,
    /// The id of a group.
    Group,
    /// The id of an open incident.
    Incident,
    /// The id of an update of that incident.
    Update,
    /// The id of a resolved incident.
    Past,
    /// The id of a scheduled maintenance.
    Maintenance,
    /// The id of a series of maintenances.
    Series,
    /// The id of a template.
    Template,
    /// The id of an API token.
    Token,
    /// The id of another member.
    Colleague,
    /// The id of a pending invitation.
    Invitation,
    /// The id of another organization of the same person.
    Organization,
    /// The id of another session of the same person.
    Session,
    /// A service's status. Its id replaces `{}` in the field's name.
    Impact(&'static str),
    /// The owner's email address.
    Email,
    /// An unused email address.
    NewEmail,
    /// An unused page address.
    NewSlug,
    /// Text that is not a reference.
    Plain(&'static str),
}

impl Field {
    /// Whether it refers to something that belongs to an organization or a person.
    pub const fn is_owned(self) -> bool {
        !matches!(self, Self::Email | Self::NewEmail | Self::NewSlug | Self::Plain(_))
    }

    /// Whether it refers to something that belongs to a person.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Organization | Self::Session)
    }
}

/// The paths of all server functions.
pub fn registered() -> Vec<&'static str> {
    let mut paths: Vec<_> = server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, Method::POST, "{path} can be called by a link");
            path
        })
        .collect();
    paths.sort_unstable();
    paths
}

/// The path of a server function.
pub fn path_to(name: &str) -> &'static str {
    let mut named = registered().into_iter().filter(|path| path.rsplit('/').next() == Some(name));
    let path = named.next().unwrap_or_else(|| panic!("there is no server function {name}"));
    assert_eq!(named.next(), None, "two server functions have the name {name}");
    path
}

/// Fields as pairs of text.
pub fn pairs<'a>(fields: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

/// An operation of the OpenAPI document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub detail: Value,
    pub is_secured: bool,
}

impl Operation {
    /// Its method and path.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names of the parameters in the path.
    pub fn parameters(&self) -> Vec<&str> {
        let parts = self.path.split('/');
        parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The name and schema of its body.
    pub fn body<'a>(&self, document: &'a Value) -> Option<(String, &'a Value)> {
        let reference = self.detail["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
        let name = reference.rsplit('/').next()?.to_owned();
        let schema = &document["components"]["schemas"][&name];
        Some((name, schema))
    }

    /// A valid body.
    pub fn example(&self, document: &Value) -> Option<Value> {
        let (name, schema) = self.body(document)?;
        let example = schema.get("example").or_else(|| schema["examples"].get(0));
        Some(example.unwrap_or_else(|| panic!("{name} needs an example, so that its operation can be tested")).clone())
    }

    /// All example bodies.
    pub fn examples(&self, document: &Value) -> Vec<Value> {
        let named = self.detail["requestBody"]["content"]["application/json"]["examples"].as_object();
        let named = named.into_iter().flatten().map(|(_, example)| example["value"].clone());
        self.example(document).into_iter().chain(named).collect()
    }

    /// The example bodies that suit the object at its path, with this service and without a version.
    pub fn examples_for(&self, document: &Value, service: &str) -> Vec<Value> {
        let suitable = self.examples(document).into_iter().filter(|body| self.subject(body).is_none());
        suitable.map(|body| with_service(&body, service)).collect()
    }

    /// The kind of object a body requires, if it does not suit every incident.
    pub fn subject(&self, body: &Value) -> Option<Field> {
        let has = |fields: &[&str]| fields.iter().any(|field| body.get(field).is_some());
        let is_change = self.method == Method::PUT && self.path == "/api/incidents/{id}";
        match () {
            () if is_change && has(&["starts_at", "ends_at", "automations"]) => Some(Field::Maintenance),
            () if is_change && has(&["postmortem"]) => Some(Field::Past),
            () => None,
        }
    }
}

/// An example body, with this service and without a version.
pub fn with_service(body: &Value, service: &str) -> Value {
    let text = body.to_string().replace(EXAMPLE_SERVICE, service);
    let mut body: Value = serde_json::from_str(&text).expect("JSON");
    body.as_object_mut().expect("an object").remove("version");
    body
}

/// The service id in the examples.
const EXAMPLE_SERVICE: &str = "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e";

/// The OpenAPI document.
pub async fn document(app: &TestApp) -> Value {
    app.get("/api/openapi.json").await.is(200)
}

/// Its operations.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, detail) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            let is_secured = detail["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
            all.push(Operation { method, path: path.clone(), detail: detail.clone(), is_secured });
        }
    }
    assert!(all.len() > 10, "the document lacks operations");
    all
}
