//! TCP listeners and the connections on them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::config::Limits;
use crate::observe::{Limit, Metrics};

/// Longest time a client may take to send a request's headers, also while a connection is idle.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests under way may still take when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait when the process has no descriptor left for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections the operating system holds until they are accepted. The usual maximum of Linux.
const BACKLOG: i32 = 4096;

/// Binds an address. An IPv6 address takes no IPv4 with it, so `0.0.0.0` and `::` can both be bound.
///
/// # Errors
/// What the operating system says.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restarted server must not wait for the connections of its predecessor to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves HTTP/1.1 and what it is upgraded to, until told to stop and every request is answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    metrics: Arc<Metrics>,
    mut stop: watch::Receiver<bool>,
) {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(limits.header_bytes);
    let capacity = limits.connections as usize;
    let free = Arc::new(Semaphore::new(capacity));

    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to(&mut stop) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = free.clone().try_acquire_owned() else {
            metrics
                .limits_hit
                .get_or_create(&Limit {
                    limit: "limits.connections",
                })
                .inc();
            continue;
        };
        let connection = serve_connection(
            stream,
            address,
            router.clone(),
            protocol.clone(),
            stop.clone(),
        );
        tokio::spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    let everyone = u32::try_from(capacity).unwrap_or(u32::MAX);
    let drained = tokio::time::timeout(DRAIN_TIMEOUT, free.acquire_many(everyone)).await;
    if drained.is_err() {
        tracing::warn!("requests are still under way, stopping without them");
    }
}

async fn serve_connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    protocol: http1::Builder,
    mut stop: watch::Receiver<bool>,
) {
    // Signalling is small messages that somebody waits for.
    let _ = stream.set_nodelay(true);
    let service =
        hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let router = router.clone();
            async move {
                let mut request = request.map(axum::body::Body::new);
                request.extensions_mut().insert(ConnectInfo(address));
                Ok::<_, Infallible>(
                    router
                        .oneshot(request)
                        .await
                        .unwrap_or_else(|never| match never {}),
                )
            }
        });
    let mut connection = pin!(
        protocol
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = told_to(&mut stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Waits until the server is told to stop, or nobody is left who could say so.
async fn told_to(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    // These need real sockets, on ports that the system chooses.

    async fn start(
        connections: u32,
    ) -> (SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let router = Router::new().route("/", get(async || "hello"));
        let limits = Limits {
            connections,
            ..Limits::default()
        };
        let server =
            tokio::spawn(
                async move { serve(listener, router, &limits, Metrics::new(), stopped).await },
            );
        (address, stop, server)
    }

    /// Asks for `/` and answers the status line; nothing if the connection was closed.
    async fn ask(stream: &mut TcpStream) -> String {
        let mut answer = [0; 512];
        // A refused connection may fail at either call.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let length = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..length])
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    #[tokio::test]
    async fn stops_when_told_though_a_connection_is_open() {
        let (address, stop, server) = start(10).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut idle).await, "HTTP/1.1 200 OK");

        stop.send(true).unwrap();
        server.await.unwrap();

        assert_eq!(ask(&mut idle).await, "");
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_are_closed_until_one_ends() {
        let (address, _stop, _server) = start(1).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut first).await, "HTTP/1.1 200 OK");

        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut second).await, "");

        drop(first);
        let mut third = String::new();
        // The place is free as soon as the server has seen the end of the first.
        while third.is_empty() {
            third = ask(&mut TcpStream::connect(address).await.unwrap()).await;
        }
        assert_eq!(third, "HTTP/1.1 200 OK");
    }
}
