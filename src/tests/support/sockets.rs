//! A server on a real port, and clients of its live feeds.

use std::{net::SocketAddr, time::Duration};

use axum::http::{HeaderName, HeaderValue, header};
use futures::StreamExt;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Response},
};

use super::{app::TestApp, clients::Team};
use crate::server::{Answers, accept};

/// Maximum time a test waits.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A server's own port.
#[derive(Clone, Copy)]
pub struct Port(SocketAddr);

impl TestApp {
    /// Serves until the test ends.
    pub async fn listen(&self) -> Port {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = Port(listener.local_addr().expect("an address"));
        let (answers, limits) = (Answers::of(self.state.clone()), self.state.connection_limits());
        tokio::spawn(accept(listener, answers, limits, self.state.stop()));
        port
    }
}

impl Port {
    /// Tries to open a socket with these headers.
    pub async fn connect(self, path: &str, headers: &[(HeaderName, &str)]) -> Result<Socket, Box<Response>> {
        let mut request = format!("ws://{}{path}", self.0).into_client_request().expect("an address");
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header"));
        }
        match timeout(TIMEOUT, connect_async(request)).await.expect("the server answers") {
            Ok((stream, _)) => Ok(Socket(stream)),
            Err(Error::Http(response)) => Err(Box::new(Response::from_parts(response.into_parts().0, None))),
            Err(error) => panic!("{error}"),
        }
    }

    /// The status of a rejected handshake.
    pub async fn refuses(self, path: &str, headers: &[(HeaderName, &str)]) -> u16 {
        match self.connect(path, headers).await {
            Ok(_) => panic!("{path} was opened"),
            Err(response) => response.status().as_u16(),
        }
    }

    /// Opens an organization's public feed.
    pub async fn public_feed(self, team: &Team, since: Option<u64>) -> Socket {
        let query = since.map_or_else(String::new, |since| format!("?since={since}"));
        let path = format!("/api/public/{}/live{query}", team.slug);
        self.connect(&path, &[]).await.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// Opens an organization's feed as a member.
    pub async fn member_feed(self, team: &Team) -> Socket {
        self.join(team, "/api/live").await
    }

    /// Opens an organization's feed as a member, resuming after an event.
    pub async fn member_feed_since(self, team: &Team, since: u64) -> Socket {
        self.join(team, &format!("/api/live?since={since}")).await
    }

    async fn join(self, team: &Team, path: &str) -> Socket {
        let headers = [(header::AUTHORIZATION, format!("Bearer {}", team.token))];
        let headers = headers.each_ref().map(|(name, value)| (name.clone(), value.as_str()));
        self.connect(path, &headers).await.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }
}

/// A client's connection to a feed.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn message(&mut self) -> Message {
        timeout(TIMEOUT, self.0.next()).await.expect("a message").expect("an open connection").expect("readable")
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The number in the first frame.
    pub async fn hello(&mut self) -> u64 {
        let frame = self.next().await;
        assert_eq!(frame["type"], "hello", "{frame}");
        assert_eq!(frame.as_object().map(serde_json::Map::len), Some(3), "{frame}");
        assert!(frame["epoch"].is_u64(), "{frame}");
        frame["seq"].as_u64().expect("a number")
    }

    /// The next frame, which must be the event with this number.
    pub async fn event(&mut self, seq: u64) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["seq"], seq, "{frame}");
        assert!(frame["at"].is_string() && frame["type"].is_string() && frame["data"].is_object(), "{frame}");
        frame
    }

    /// The code with which the server closes the connection.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    /// Waits until the connection is closed.
    pub async fn ends(&mut self) {
        while let Some(Ok(_)) = timeout(TIMEOUT, self.0.next()).await.expect("the connection is closed") {}
    }

    /// The underlying stream, to send invalid messages.
    pub const fn stream(&mut self) -> &mut WebSocketStream<MaybeTlsStream<TcpStream>> {
        &mut self.0
    }
}
