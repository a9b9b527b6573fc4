//! The server of all three ports.

use std::{pin::Pin, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_io_timeout::TimeoutWriter;

use super::door::Door;

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
    // Dropping the set ends its connections, if whoever asked for the stop waits no longer.
    let (mut connections, graceful) = (JoinSet::new(), GracefulShutdown::new());
    loop {
        tokio::select! {
            // Who is connected already when the stop comes is served.
            biased;
            (stream, peer) = Listener::accept(&mut listener) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(door.patience)
                    .serve_connection(patient(stream, door.patience), TowerToHyperService::new(router));
                connections.spawn(graceful.watch(connection));
            }
            () = until(stopped.clone()) => break,
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    tokio::time::sleep(LAST_WORDS).await;
    graceful.shutdown().await;
    Ok(())
}

/// Waits for the stop.
pub(super) async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A connection that breaks if its client takes no byte for some time while there is something to take.
fn patient(stream: TcpStream, patience: Duration) -> TokioIo<Pin<Box<TimeoutWriter<TcpStream>>>> {
    let mut writer = TimeoutWriter::new(stream);
    writer.set_timeout(Some(patience));
    TokioIo::new(Box::pin(writer))
}
