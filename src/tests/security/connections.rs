//! Slow, idle and excess connections, and connections when the server stops.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    server::{Answers, ConnectionLimits, accept},
    tests::support::app::TestApp,
};

/// Maximum time a test waits.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Timeout of the server in tests of timeouts.
const SHORT: Duration = Duration::from_millis(300);
const HEALTH_REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// A server on its own port, and its accept loop.
struct Server {
    address: SocketAddr,
    end: JoinHandle<()>,
}

impl Server {
    async fn of(app: &TestApp, terms: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let end = tokio::spawn(accept(listener, Answers::of(app.state.clone()), terms, app.state.stop()));
        Self { address, end }
    }

    /// A connection on which these bytes have been sent.
    async fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(bytes).await.expect("sent");
        stream
    }
}

/// All data until the server closes the connection.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // The connection may also be reset.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut all)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn r_70_a_connection_with_an_unfinished_request_is_closed() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { header_timeout: SHORT, ..app.state.connection_limits() }).await;
    let beginnings: [&[u8]; 5] =
        [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"PRI * HT"];
    for beginning in beginnings {
        let mut stream = server.connect(beginning).await;
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // An idle connection after a response is closed too.
    assert!(read_all(&mut server.connect(HEALTH_REQUEST).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn r_70_an_http_2_connection_is_closed_immediately() {
    let app = TestApp::open().await;
    // A timeout would take an hour.
    let server =
        Server::of(&app, ConnectionLimits { header_timeout: Duration::from_hours(1), ..app.state.connection_limits() })
            .await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let answer = read_all(&mut server.connect(preface).await).await;
    assert!(!answer.contains(" 200 "), "{answer}");
}

#[tokio::test]
async fn r_70_a_connection_that_reads_no_responses_is_closed() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { write_timeout: SHORT, ..app.state.connection_limits() }).await;
    let mut stream = server.connect(b"").await;
    let requests = b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(50);
    let flood = async { while stream.write_all(&requests).await.is_ok() {} };
    timeout(TIMEOUT, flood).await.expect("the server closes the connection");
}

#[tokio::test]
async fn r_70_a_connection_over_the_limit_waits() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { connections: 2, ..app.state.connection_limits() }).await;
    let (first, _second) = (server.connect(b"").await, server.connect(b"").await);
    let mut third = server.connect(HEALTH_REQUEST).await;
    let mut answer = [0; 12];
    assert!(timeout(SHORT, third.read_exact(&mut answer)).await.is_err(), "answered although over the limit");
    drop(first);
    timeout(TIMEOUT, third.read_exact(&mut answer)).await.expect("accepted").expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn r_70_a_request_has_at_most_64_headers() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { header_timeout: SHORT, ..app.state.connection_limits() }).await;
    for (count, status) in [(60, "200"), (70, "431")] {
        let many = (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<Vec<_>>().concat();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}\r\n");
        let answer = read_all(&mut server.connect(request.as_bytes()).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{count}: {answer}");
    }
    let long = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let mut stream = server.connect(b"").await;
    let _ = stream.write_all(long.as_bytes()).await;
    assert!(!read_all(&mut stream).await.contains(" 200 "));
}

#[tokio::test]
async fn a_stopping_server_completes_requests_and_waits_for_its_feeds() {
    let app = TestApp::open().await;
    let server = Server::of(&app, app.state.connection_limits()).await;
    let idle = server.connect(b"").await;
    let body = json!({"email": "nobody@example.com", "password": "lantern over calm water"}).to_string();
    let (before, after) = body.split_at(10);
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{before}",
        body.len()
    );
    let mut busy = server.connect(head.as_bytes()).await;
    let upgrade = "GET /api/public/nobody-has-this/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert!(read_status(&mut server.connect(upgrade.as_bytes()).await).await.starts_with("HTTP/1.1 404"));
    app.state.stop().cancel();
    busy.write_all(after.as_bytes()).await.expect("the connection is open");
    assert!(read_all(&mut busy).await.starts_with("HTTP/1.1 401"));
    timeout(TIMEOUT, server.end).await.expect("everything has ended").expect("without a panic");
    drop(idle);
}

/// The beginning of a response, up to its status.
async fn read_status(stream: &mut TcpStream) -> String {
    let mut head = [0; 12];
    timeout(TIMEOUT, stream.read_exact(&mut head)).await.expect("an answer").expect("readable");
    String::from_utf8_lossy(&head).into_owned()
}
