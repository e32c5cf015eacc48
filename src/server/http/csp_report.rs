//! What browsers report: breaches of the Content-Security-Policy, for the log.

use axum::{
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::server::{
    AppState,
    rate_limit::{limiter::Quota, requests::too_many_requests},
};

/// Where browsers send their reports.
pub const REPORTS: &str = "/csp-report";
/// The largest report that is read.
pub const REPORT_MAX: usize = 16 * 1024;
/// Rate limit of logged reports, for all senders together.
pub const QUOTA: Quota = Quota { name: "csp-reports", limit: 20, seconds: 60, batch: 1 };

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

/// Writes a report down, as far as it can be told from noise. Anybody may send one, so nothing follows from it.
pub async fn take_report(State(state): State<AppState>, body: Bytes) -> Response {
    let Ok(Envelope { report }) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    if let Err(refused) = state.csp_reports.check("all").await {
        return too_many_requests(refused).into_response();
    }
    let directive =
        if report.effective_directive.is_empty() { report.violated_directive } else { report.effective_directive };
    tracing::warn!(
        directive = %word(&directive),
        blocked = %place(&report.blocked_uri),
        page = %place(&report.document_uri),
        "a browser reports a breach of the Content-Security-Policy"
    );
    StatusCode::NO_CONTENT.into_response()
}

/// Scheme, host and the first part of the path: what follows may be a secret.
fn place(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    word(&path.split('/').take(4).collect::<Vec<_>>().join("/"))
}

/// Short, and without what could pass for another line of the log.
fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_cut_to_what_may_stand_in_a_log() {
        assert_eq!(place("https://evil.test/reset/secret?token=x#y"), "https://evil.test/reset");
        assert_eq!(place("inline"), "inline");
        assert_eq!(word("script-src\n2026-01-01 ERROR all is lost \u{1b}[31m").find(['\n', '\u{1b}', ' ']), None);
        assert_eq!(word(&"x".repeat(5000)).len(), 100);
    }
}
