//! What answers at a server's port without being one.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// Speaks WebSocket, and sends bytes that mean nothing.
pub(crate) async fn babbling() -> String {
    serve(|stream| async {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        for length in 1..50_u8 {
            let bytes: Vec<u8> = (0..length)
                .map(|byte| byte.wrapping_mul(151) ^ length)
                .collect();
            if socket.send(Message::binary(bytes)).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await
}

/// Speaks WebSocket, and hangs up.
pub(crate) async fn hanging_up() -> String {
    serve(|stream| async {
        if let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await {
            let _ = socket.close(None).await;
        }
    })
    .await
}

/// Takes connections, and never says a word.
pub(crate) async fn silent() -> String {
    serve(|stream| async {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await
}

async fn serve<F>(converse: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream));
        }
    });
    format!("ws://{address}")
}
