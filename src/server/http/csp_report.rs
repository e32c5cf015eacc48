//! Logs the Content-Security-Policy violations that browsers report.

use axum::{
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::server::{rate_limit::requests::too_many_requests, state::AppState};

/// The path that the policy names as its `report-uri`.
pub const REPORTS: &str = "/csp-report";
/// Body limit of a report.
pub const MAX_REPORT_BYTES: usize = 16 * 1024;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "csp-report")]
    report: Report,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Report {
    #[serde(default)]
    document_uri: String,
    #[serde(default)]
    effective_directive: String,
    #[serde(default)]
    violated_directive: String,
    #[serde(default)]
    blocked_uri: String,
}

/// Logs a report, up to the rate limit. Anybody can send one, so it has no other effect.
pub async fn log_report(State(state): State<AppState>, body: Bytes) -> Response {
    let Ok(Envelope { report }) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    if let Err(refused) = state.csp_reports.check("all").await {
        return too_many_requests(refused).into_response();
    }
    let directive =
        if report.effective_directive.is_empty() { report.violated_directive } else { report.effective_directive };
    tracing::warn!(
        directive = %sanitized(&directive),
        blocked = %shortened(&report.blocked_uri),
        page = %shortened(&report.document_uri),
        "a browser reported a violation of the Content-Security-Policy"
    );
    StatusCode::NO_CONTENT.into_response()
}

/// The scheme, host and first path segment of a URL: the rest may be a secret.
fn shortened(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    sanitized(&path.split('/').take(4).collect::<Vec<_>>().join("/"))
}

/// At most 100 printable ASCII characters, so that no report can forge log lines.
fn sanitized(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_sanitized_for_the_log() {
        assert_eq!(shortened("https://evil.test/reset/secret?token=x#y"), "https://evil.test/reset");
        assert_eq!(shortened("inline"), "inline");
        assert_eq!(sanitized("script-src\n2026-01-01 ERROR all is lost \u{1b}[31m").find(['\n', '\u{1b}', ' ']), None);
        assert_eq!(sanitized(&"x".repeat(5000)).len(), 100);
    }
}
