//! An API behind the authorizer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Json, Router, extract::Request, http::StatusCode};
use serde_json::json;

/// A backend that tells what it was asked, and counts.
pub async fn backend() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let router = Router::new().fallback(move |request: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let (method, uri) = (request.method().to_string(), request.uri().to_string());
        async move {
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
            let own = [
                ("server", "backend"),
                ("date", "Sat, 21 Nov 2026 21:30:00 GMT"),
                ("www-authenticate", "Basic"),
                ("connection", "x-hop"),
                ("x-own", "kept"),
            ];
            (
                StatusCode::CREATED,
                own,
                Json(json!({"method": method, "uri": uri, "headers": headers, "body": body.to_vec()})),
            )
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, count)
}
