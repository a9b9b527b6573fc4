//! The DynamoDB calls of a log-on without anybody who makes them: bytes that are ready, over connections that are open.
//! The time they take is the embedded DynamoDB's own.

use std::time::{Duration, Instant};

use jea_auth::{
    functions::app,
    local::{DEMO_PASSWORD, Running},
    platform::machine,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{ACCOUNTS, crowd::user, proxy::Wire, stack::log_on};

pub struct BareCalls {
    host: String,
    connections: Vec<BufReader<TcpStream>>,
    /// What is read and counted before the hash, at once.
    before: Vec<(String, String)>,
    /// The session that is written after it.
    after: (String, String),
    /// Texts in the calls that no two log-ons share: the keys of the two buckets, and the session's id.
    own: [String; 3],
}

impl BareCalls {
    /// Records the calls of one log-on to an account whose bucket is full.
    pub async fn record(running: &mut Running) -> Self {
        let (wire, upstream) = (Wire::default(), running.dynamodb_url.clone());
        running.config.aws.dynamodb_endpoint = Some(wire.proxy(&upstream).await);
        let function = app::logon(&running.config, machine::system_clock());
        running.config.aws.dynamodb_endpoint = Some(upstream.clone());
        // The first one reads the keys as well.
        for number in [1, 2] {
            wire.calls.lock().unwrap().clear();
            let event = log_on(&user(ACCOUNTS - number), DEMO_PASSWORD, &format!("192.0.2.{number}"));
            assert_eq!(function.handle(&serde_json::from_value(event).unwrap()).await.status.as_u16(), 200);
        }
        let mut calls = wire.calls.lock().unwrap().clone();
        let names: Vec<&str> = calls.iter().map(|(target, _)| target.rsplit_once('.').unwrap().1).collect();
        assert_eq!((names.len(), names[3]), (4, "PutItem"), "{names:?}");
        let buckets = calls.iter().filter_map(|(_, call)| call["Key"]["key"]["S"].as_str());
        let sid = calls[3].1["Item"]["sid"]["S"].as_str();
        let own: Vec<String> = buckets.chain(sid).map(str::to_owned).collect();
        let (target, call) = calls.remove(3);
        let after = (target, call.to_string());
        let before: Vec<_> = calls.iter().map(|(target, call)| (target.clone(), call.to_string())).collect();
        let host = upstream.trim_start_matches("http://").to_owned();
        let mut connections = Vec::new();
        for _ in &before {
            let connection = TcpStream::connect(&host).await.unwrap();
            connection.set_nodelay(true).unwrap();
            connections.push(BufReader::new(connection));
        }
        Self { host, connections, before, after, own: own.try_into().unwrap() }
    }

    /// The calls before the hash, as log-on `number` would make them.
    pub async fn before(&mut self, number: usize) -> Duration {
        let requests: Vec<_> = self.before.iter().map(|call| self.request(call, number)).collect();
        let begun = Instant::now();
        for (connection, request) in self.connections.iter_mut().zip(&requests) {
            connection.write_all(request).await.unwrap();
        }
        for connection in &mut self.connections {
            answered(connection).await;
        }
        begun.elapsed()
    }

    /// The call after the hash.
    pub async fn after(&mut self, number: usize) -> Duration {
        let request = self.request(&self.after, number);
        let begun = Instant::now();
        self.connections[0].write_all(&request).await.unwrap();
        answered(&mut self.connections[0]).await;
        begun.elapsed()
    }

    /// A call that succeeds anew: with a session and buckets that were never there.
    fn request(&self, (target, call): &(String, String), number: usize) -> Vec<u8> {
        // The two buckets' keys are equally long.
        let new = |which: usize, old: &str| format!("{which}{number:0width$}", width = old.len() - 1);
        let own = self.own.iter().enumerate();
        let body = own.fold(call.clone(), |body, (which, old)| body.replace(old, &new(which, old)));
        // The embedded DynamoDB looks whether there is a signature, not whether it holds.
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-amz-json-1.0\r\nx-amz-target: {target}\r\n\
             x-amz-date: 20260101T000000Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=id/20260101/us-east-1/dynamodb/\
             aws4_request, SignedHeaders=host;x-amz-date, Signature=0\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        (head + &body).into_bytes()
    }
}

/// Reads one answer to its end. A call that failed would cost less, and mean nothing.
async fn answered(connection: &mut BufReader<TcpStream>) {
    let (mut line, mut length) = (String::new(), 0);
    connection.read_line(&mut line).await.unwrap();
    let is_done = line.contains(" 200 ");
    while line != "\r\n" {
        line.clear();
        connection.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    assert!(is_done, "{}", String::from_utf8_lossy(&body));
}
