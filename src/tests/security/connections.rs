//! Connections that do not keep their word, and connections when the server stops.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    server::{ConnectionLimits, accept, router},
    tests::support::app::TestApp,
};

/// Nothing a test waits for takes this long.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long the impatient server waits.
const SHORT: Duration = Duration::from_millis(300);
const ASK: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// The server on a port of its own, and its end.
struct Server {
    address: SocketAddr,
    end: JoinHandle<()>,
}

impl Server {
    async fn of(app: &TestApp, limits: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let end = tokio::spawn(accept(listener, router(app.state.clone()), limits, app.state.stop()));
        Self { address, end }
    }

    /// A connection on which this has been said.
    async fn told(&self, words: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(words).await.expect("sent");
        stream
    }
}

/// Everything that comes until the server hangs up.
async fn heard(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end like another.
    let _ = timeout(TIMEOUT, stream.read_to_end(&mut all)).await.expect("the server hangs up");
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn r_70_whoever_does_not_finish_a_request_is_hung_up_on() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { header_timeout: SHORT, ..app.state.connection_limits() }).await;
    let beginnings: [&[u8]; 5] =
        [b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b"PRI * HT"];
    for beginning in beginnings {
        let mut stream = server.told(beginning).await;
        let answer = heard(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    // One that is answered and then says no more is let go too.
    assert!(heard(&mut server.told(ASK).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn r_70_whoever_speaks_http_2_is_hung_up_on_at_once() {
    let app = TestApp::open().await;
    // It is the greeting that ends it, and not the time.
    let server =
        Server::of(&app, ConnectionLimits { header_timeout: Duration::from_hours(1), ..app.state.connection_limits() })
            .await;
    let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let answer = heard(&mut server.told(greeting).await).await;
    assert!(!answer.contains(" 200 "), "{answer}");
}

#[tokio::test]
async fn r_70_whoever_takes_nothing_of_the_answers_is_hung_up_on() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { write_timeout: SHORT, ..app.state.connection_limits() }).await;
    let mut stream = server.told(b"").await;
    let ask = b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(50);
    let greed = async { while stream.write_all(&ask).await.is_ok() {} };
    timeout(TIMEOUT, greed).await.expect("the server hangs up");
}

#[tokio::test]
async fn r_70_a_connection_past_the_last_one_waits_for_its_turn() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { connections: 2, ..app.state.connection_limits() }).await;
    let (first, _second) = (server.told(b"").await, server.told(b"").await);
    let mut third = server.told(ASK).await;
    let mut answer = [0; 12];
    assert!(timeout(SHORT, third.read_exact(&mut answer)).await.is_err(), "answered past the last connection");
    drop(first);
    timeout(TIMEOUT, third.read_exact(&mut answer)).await.expect("its turn").expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[tokio::test]
async fn r_70_a_request_has_64_headers_at_most() {
    let app = TestApp::open().await;
    let server = Server::of(&app, ConnectionLimits { header_timeout: SHORT, ..app.state.connection_limits() }).await;
    for (count, status) in [(60, "200"), (70, "431")] {
        let many = (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<Vec<_>>().concat();
        let ask = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n{many}\r\n");
        let answer = heard(&mut server.told(ask.as_bytes()).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{count}: {answer}");
    }
    let long = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "y".repeat(100_000));
    let mut stream = server.told(b"").await;
    let _ = stream.write_all(long.as_bytes()).await;
    assert!(!heard(&mut stream).await.contains(" 200 "));
}

#[tokio::test]
async fn a_server_that_stops_answers_what_was_asked_and_waits_for_its_feeds() {
    let app = TestApp::open().await;
    let server = Server::of(&app, app.state.connection_limits()).await;
    let idle = server.told(b"").await;
    let body = json!({"email": "nobody@example.com", "password": "lantern over calm water"}).to_string();
    let (before, after) = body.split_at(10);
    let head = format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{before}",
        body.len()
    );
    let mut busy = server.told(head.as_bytes()).await;
    let upgrade = "GET /api/public/nobody-has-this/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert!(heard_head(&mut server.told(upgrade.as_bytes()).await).await.starts_with("HTTP/1.1 404"));
    app.state.stop().cancel();
    busy.write_all(after.as_bytes()).await.expect("the connection stands");
    assert!(heard(&mut busy).await.starts_with("HTTP/1.1 401"));
    timeout(TIMEOUT, server.end).await.expect("everything has ended").expect("without a panic");
    drop(idle);
}

/// The first line of an answer.
async fn heard_head(stream: &mut TcpStream) -> String {
    let mut head = [0; 12];
    timeout(TIMEOUT, stream.read_exact(&mut head)).await.expect("an answer").expect("readable");
    String::from_utf8_lossy(&head).into_owned()
}
