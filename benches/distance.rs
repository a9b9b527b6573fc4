//! A database that is further away than it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The URL under which the database at another one answers, each time after a while.
pub async fn further_away(url: &str, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(pass_on(listener, url.trim_start_matches("http://").to_owned(), delay));
    format!("http://{address}")
}

/// Passes bytes on, and each answer after a while. It reads no HTTP, so that it takes next to no time of its own.
async fn pass_on(listener: TcpListener, upstream: String, delay: Duration) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(&upstream).await.unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        // An answer is what comes after something was asked; its body may come just behind its head.
        let asks = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&asks);
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                asks.store(true, Ordering::SeqCst);
                if to_server.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                if asked.swap(false, Ordering::SeqCst) {
                    tokio::time::sleep(delay).await;
                }
                if to_client.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}
