//! HTTP clients: programs with a token, and browsers with a cookie.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    app::{ORIGIN, PASSWORD, TestApp, request, with_json},
    endpoints::path_to,
};

/// Maximum time a test waits.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes: Bytes = to_bytes(body, usize::MAX).await.expect("a complete body");
        Self { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// The body as JSON; `null` if it is empty.
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// The JSON of a response that must have this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// The JSON of an error, which must have this status and exactly these invalid fields.
    #[track_caller]
    pub fn refuses(&self, status: u16, fields: &[&str]) -> Value {
        let error = self.is(status);
        assert!(error["error"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert!(error["code"].is_string(), "{error}");
        let faults: Vec<&str> =
            error["fields"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(faults, fields, "{error}");
        error
    }

    /// A header, or an empty string.
    pub fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Everything by which responses can be distinguished, except the request id.
    pub fn fingerprint(&self) -> (StatusCode, Vec<(String, String)>, &str) {
        let headers = self.headers.iter().filter(|(name, _)| *name != "x-request-id");
        let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
        headers.sort();
        (self.status, headers, &self.text)
    }

    /// The URL of the next page from the `Link` header.
    pub fn next_page(&self) -> Option<String> {
        let link = self.header(header::LINK).strip_prefix('<')?;
        let (url, rest) = link.split_once('>')?;
        (rest == "; rel=\"next\"").then(|| url.to_owned())
    }
}

/// An organization and a session of one of its members, usually the admin.
#[derive(Clone)]
pub struct Team {
    pub app: TestApp,
    pub token: String,
    pub slug: String,
    pub email: String,
    pub organization: Value,
    pub user: Value,
}

impl Team {
    pub fn of(app: TestApp, signed_in: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            app,
            token: text(&signed_in["access_token"]),
            slug: text(&signed_in["organization"]["slug"]),
            email: text(&signed_in["user"]["email"]),
            organization: signed_in["organization"].clone(),
            user: signed_in["user"].clone(),
        }
    }

    /// The same session at another instance.
    pub fn at(&self, app: &TestApp) -> Self {
        Self { app: app.clone(), ..self.clone() }
    }

    /// The same person in a new session.
    pub async fn log_in_again(&self) -> Self {
        let form = json!({"email": self.email, "password": PASSWORD});
        Self::of(self.app.clone(), &self.app.post("/api/auth/login", &form).await.is(200))
    }

    /// Sends a request with the token and no body.
    pub async fn send(&self, method: Method, path: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let request = request(method, path).header(header::AUTHORIZATION, bearer).body(Body::empty());
        self.app.send(request.expect("request")).await
    }

    pub async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let builder = request(method, path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.app.send(with_json(builder, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::POST, path, &body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::PUT, path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path).await
    }

    /// Creates a service.
    pub async fn service(&self, name: &str) -> Value {
        self.post("/api/services", json!({"name": name})).await.is(201)
    }

    /// Creates a group.
    pub async fn group(&self, name: &str) -> Value {
        self.post("/api/groups", json!({"name": name})).await.is(201)
    }

    /// Updates a service, which must succeed.
    pub async fn change(&self, service: &Value, patch: Value) -> Value {
        self.put(&path_of(service), patch).await.is(200)
    }

    pub async fn services(&self) -> Vec<Value> {
        self.get("/api/services").await.is(200).as_array().expect("a list").clone()
    }

    pub async fn groups(&self) -> Vec<Value> {
        self.get("/api/groups").await.is(200).as_array().expect("a list").clone()
    }

    /// Opens an incident or schedules a maintenance, which must succeed.
    pub async fn open_incident(&self, new: Value) -> Value {
        self.post("/api/incidents", new).await.is(201)
    }

    /// An incident as it is now.
    pub async fn incident(&self, incident: &Value) -> Value {
        self.get(&incident_path(incident)).await.is(200)
    }

    /// Posts an update, which must succeed.
    pub async fn post_update(&self, incident: &Value, update: Value) -> Value {
        self.post(&format!("{}/updates", incident_path(incident)), update).await.is(201)
    }

    /// Updates an incident, which must succeed.
    pub async fn update_incident(&self, incident: &Value, patch: Value) -> Value {
        self.put(&incident_path(incident), patch).await.is(200)
    }

    /// The status of a service, which must be the same for members and visitors.
    pub async fn status_of(&self, service: &Value) -> String {
        let seen = self.get(&path_of(service)).await.is(200);
        let page = self.public("status").await;
        let services = page["services"].as_array().expect("a list");
        let shown = services.iter().find(|shown| shown["id"] == service["id"]).expect("on the page");
        assert_eq!(shown, &in_public(&seen));
        seen["status"].as_str().expect("text").to_owned()
    }

    pub async fn incidents(&self) -> Vec<Value> {
        self.get("/api/incidents").await.is(200).as_array().expect("a list").clone()
    }

    pub async fn history(&self, service: &Value) -> Vec<Value> {
        self.get(&format!("{}/history", path_of(service))).await.is(200).as_array().expect("a list").clone()
    }

    /// A document of the public page.
    pub async fn public(&self, document: &str) -> Value {
        self.app.get(&format!("/api/public/{}/{document}", self.slug)).await.is(200)
    }

    /// The number of the latest public event.
    pub async fn seq(&self) -> u64 {
        self.public("status").await["seq"].as_u64().expect("a number")
    }

    /// Waits until the latest entry of the audit log has this action. A failed login is recorded after its response, so
    /// that the response takes as long as for an unknown account.
    pub async fn audited(&self, action: &str) {
        let written = async {
            while self.get("/api/audit?limit=1").await.is(200)[0]["action"] != action {
                tokio::task::yield_now().await;
            }
        };
        timeout(TIMEOUT, written).await.unwrap_or_else(|_| panic!("{action} was not recorded"));
    }

    /// All data of the organization as an admin sees it, without the times of last use.
    pub async fn everything(&self) -> Value {
        let mut account = unseen(self.browser().call(path_to("my_account"), &[]).await.is(200));
        let sessions = account["sessions"].as_array_mut().expect("a list");
        sessions.sort_by_key(|session| id_of(session).to_owned());
        let services = self.services().await;
        let mut histories = Vec::new();
        for service in &services {
            histories.push(self.history(service).await);
        }
        json!({
            "me": self.get("/api/auth/me").await.is(200),
            "services": services,
            "histories": histories,
            "groups": self.groups().await,
            "incidents": self.incidents().await,
            "templates": self.get("/api/templates").await.is(200),
            "team": unseen(self.get("/api/team").await.is(200)),
            "series": self.get("/api/maintenance-series").await.is(200),
            "status": self.public("status").await,
            "timeline": self.public("timeline").await,
            "tokens": unseen(self.get("/api/tokens").await.is(200)),
            "invitations": self.get("/api/team/invitations").await.is(200),
            "account": account,
        })
    }

    /// A browser with this session.
    pub fn browser(&self) -> Browser {
        Browser { cookie: Some(format!("aldis={}", self.token)), ..self.app.browser() }
    }
}

/// Removes the times of last use.
fn unseen(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "last_seen_at" | "last_used_at"));
            fields.values_mut().for_each(|field| *field = unseen(field.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = unseen(value.take())),
        _ => {}
    }
    value
}

/// The path of a service.
pub fn path_of(service: &Value) -> String {
    format!("/api/services/{}", id_of(service))
}

/// The path of an incident.
pub fn incident_path(incident: &Value) -> String {
    format!("/api/incidents/{}", id_of(incident))
}

/// The path of an update.
pub fn update_path(update: &Value) -> String {
    format!("/api/incidents/{}/updates/{}", update["incident_id"].as_str().expect("an id"), id_of(update))
}

/// Statuses of services in an incident.
pub fn impacts(services: &[(&Value, &str)]) -> Value {
    services.iter().map(|(service, status)| json!({"id": service["id"], "status": status})).collect()
}

/// A service as visitors see it.
pub fn in_public(service: &Value) -> Value {
    let mut service = service.clone();
    let baseline = service.as_object_mut().expect("an object").remove("baseline");
    assert!(baseline.is_some(), "members also see the baseline: {service}");
    service
}

/// The id of an object.
#[track_caller]
pub fn id_of(thing: &Value) -> &str {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing}"))
}

/// A browser, with or without JavaScript.
#[derive(Clone)]
pub struct Browser {
    pub app: TestApp,
    /// The session cookie's name and value.
    pub cookie: Option<String>,
    /// The origin of its pages.
    pub origin: String,
}

impl Browser {
    pub fn new(app: TestApp) -> Self {
        Self { app, cookie: None, origin: ORIGIN.to_owned() }
    }

    /// Opens a page.
    pub async fn open(&self, path: &str) -> Answer {
        let builder = request(Method::GET, path).header(header::ACCEPT, "text/html,*/*;q=0.8");
        self.app.send(self.with_cookie(builder).body(Body::empty()).expect("request")).await
    }

    /// Submits a form of the page at `from`, as without JavaScript.
    pub async fn submit(&mut self, from: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let referer = format!("{}{from}", self.origin);
        let builder = request(Method::POST, action)
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header(header::REFERER, referer);
        self.post(builder, fields).await
    }

    /// Calls a server function, as the client does.
    pub async fn call(&mut self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let builder = request(Method::POST, action).header(header::ACCEPT, "application/json");
        self.post(builder, fields).await
    }

    async fn post(&mut self, builder: axum::http::request::Builder, fields: &[(&str, &str)]) -> Answer {
        let builder = builder.header(header::ORIGIN, &self.origin).header("sec-fetch-site", "same-origin");
        let answer = self.app.send(form(self.with_cookie(builder), fields)).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("text").split(';').next().unwrap_or("");
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        answer
    }

    fn with_cookie(&self, builder: axum::http::request::Builder) -> axum::http::request::Builder {
        match &self.cookie {
            Some(cookie) => builder.header(header::COOKIE, cookie),
            None => builder,
        }
    }
}

/// A request with URL-encoded fields.
pub fn form(builder: axum::http::request::Builder, fields: &[(&str, &str)]) -> Request<Body> {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    builder.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).expect("request")
}
