//! Mails as an SMTP server receives them.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};

use crate::server::{
    Heartbeats,
    mail::{MailSettings, Mailer},
};

/// An SMTP server that records what it receives, after refusing the given number of mails temporarily.
async fn smtp_server(refusals: usize) -> (String, mpsc::UnboundedReceiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smtp://127.0.0.1:{}", listener.local_addr().expect("an address").port());
    let (received, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut refusals = refusals;
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let mut lines_received = Vec::new();
            write.write_all(b"220 smtp.test\r\n").await.expect("written");
            while let Ok(Some(line)) = lines.next_line().await {
                let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
                let answer = match verb.as_str() {
                    "EHLO" => "250-smtp.test\r\n250 8BITMIME\r\n",
                    "MAIL" if refusals > 0 => {
                        refusals -= 1;
                        "451 Try again later\r\n"
                    }
                    "DATA" => "354 End with a dot\r\n",
                    "QUIT" => "221 Bye\r\n",
                    _ => "250 OK\r\n",
                };
                lines_received.push(line);
                write.write_all(answer.as_bytes()).await.expect("written");
                if verb == "DATA" {
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        lines_received.push(line);
                    }
                    received.send(std::mem::take(&mut lines_received)).expect("somebody listens");
                    write.write_all(b"250 Queued\r\n").await.expect("written");
                }
            }
        }
    });
    (url, mails)
}

fn mailer(url: &str) -> Mailer {
    let settings = MailSettings::parse(Some(url), Some("Aldis <status@example.com>"), false).expect("valid");
    Mailer::open(&settings.expect("a server").without_delays(), &Heartbeats::ignored())
}

/// Decodes quoted-printable text.
fn decode_quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut pieces = joined.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("text")
}

/// The decoded parts of a message, with their headers.
fn parts(lines: &[String]) -> Vec<(String, String)> {
    let text = lines.join("\r\n");
    let (_, rest) = text.split_once("boundary=\"").expect("parts");
    let (boundary, _) = rest.split_once('"').expect("a boundary");
    let delimiter = format!("--{boundary}\r\n");
    let parts = text.split(&delimiter).skip(1);
    parts
        .map(|part| {
            let (head, body) = part.split_once("\r\n\r\n").expect("a head");
            let body = body.split(&format!("--{boundary}--")).next().expect("a body");
            let body = match head.to_ascii_lowercase() {
                head if head.contains("base64") => {
                    let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).expect("base64");
                    String::from_utf8(bytes).expect("text")
                }
                head if head.contains("quoted-printable") => decode_quoted_printable(body),
                _ => body.to_owned(),
            };
            (head.to_owned(), body)
        })
        .collect()
}

#[tokio::test]
async fn a_mail_arrives_with_a_text_and_an_html_part_for_one_recipient() {
    let (url, mut mails) = smtp_server(0).await;
    let to = "ada@example.com".parse().expect("an address");
    let link = "https://status.example.com/reset-password/k3y";
    assert!(mailer(&url).password_reset(&to, link));
    let lines = timeout(Duration::from_secs(20), mails.recv()).await.expect("in time").expect("a mail");
    assert!(lines.iter().any(|line| line.starts_with("MAIL FROM:<status@example.com>")), "{lines:?}");
    let recipients: Vec<_> = lines.iter().filter(|line| line.starts_with("RCPT TO:")).collect();
    assert_eq!(recipients, ["RCPT TO:<ada@example.com>"]);
    for head in ["To: ada@example.com", "Subject: Reset your Aldis password", "Auto-Submitted: auto-generated"] {
        assert!(lines.iter().any(|line| line == head), "{head}: {lines:?}");
    }
    for head in ["Date: ", "Message-ID: <"] {
        assert!(lines.iter().any(|line| line.starts_with(head)), "{head}: {lines:?}");
    }
    let parts = parts(&lines);
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert!(parts[0].0.contains("text/plain") && parts[0].1.contains(link), "{parts:?}");
    assert!(parts[1].0.contains("text/html") && parts[1].1.contains(&format!("href=\"{link}\"")), "{parts:?}");
}

#[tokio::test]
async fn a_mail_that_is_refused_temporarily_is_retried() {
    let (url, mut mails) = smtp_server(2).await;
    let to = "ada@example.com".parse().expect("an address");
    let mailer = mailer(&url);
    assert!(mailer.invitation(&to, "Zürich – Öl & Co", "Ada", "https://status.example.com/invite/k3y"));
    let lines = timeout(Duration::from_secs(20), mails.recv()).await.expect("in time").expect("a mail");
    assert!(lines.iter().any(|line| line.starts_with("Subject: Invitation to =?utf-8?b?")), "{lines:?}");
    assert!(parts(&lines)[0].1.contains("Ada has invited you to join Zürich – Öl & Co on Aldis"));
}

#[tokio::test]
async fn test_connection_reports_whether_the_mail_server_responds() {
    let (url, _mails) = smtp_server(0).await;
    let settings = |url: &str| {
        MailSettings::parse(Some(url), Some("status@example.com"), false).expect("valid").expect("a server")
    };
    assert_eq!(settings(&url).test_connection().await, Ok(()));
    // A port without a listener.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let error =
        settings(&format!("smtp://scott:tiger@127.0.0.1:{port}")).test_connection().await.expect_err("nobody there");
    assert!(!error.contains("tiger"), "{error}");
}
