//! The server of all three ports.

use std::{pin::pin, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::{door::Door, patient::Patient};

/// How long a connection stays open at a stop for what has been sent and not been seen yet.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Serves until it is told to stop; then takes no connection more, and returns when every request has its answer.
pub(super) async fn serve(
    mut listener: TcpListener,
    door: Door,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let router = door.before(router);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Who is connected already when the stop comes is served.
            biased;
            (stream, peer) = Listener::accept(&mut listener) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                connections.spawn(converse(stream, router, door.patience, stopped.clone()));
            }
            () = until(stopped.clone()) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Waits for the stop.
pub(super) async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Answers the requests of one connection. One that ends by an error has nobody left to tell.
async fn converse(stream: TcpStream, router: Router, patience: Duration, stopped: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(Patient::new(stream, patience)), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let stop = async {
        until(stopped).await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
