//! Between tester and server: passes everything on, except what a fault breaks.
//!
//! Signalling frames are rewritten so that media goes through the relay as well: the only
//! candidate in an answer is the relay's. RTP headers are not encrypted, so that packets can be
//! told apart without the keys.

mod media;
mod signalling;

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;

use super::server::Server;

/// What is broken on the way between the server and one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Nothing,
    /// Every fiftieth RTP packet is gone, and so are retransmissions.
    DropEveryFiftieth,
    /// Signalling says of two cameras that each is the other's.
    SwapPublishers,
    /// One camera's packets are gone for a second.
    FreezeCamera,
    /// Its own sound is held back for 200 ms on the way to the server.
    DelayAudio,
}

/// The relay; its tasks end with the runtime of the test.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
}

impl Relay {
    pub(crate) async fn start(server: &Server, victim: &'static str, fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = server.url();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fault_of = move |uri: &str| {
                    if identity(uri).as_deref() == Some(victim) {
                        fault
                    } else {
                        Fault::Nothing
                    }
                };
                tokio::spawn(signalling::relay(stream, server.clone(), fault_of));
            }
        });
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}

/// Who connects, by the token in the address.
fn identity(uri: &str) -> Option<String> {
    let (_, token) = uri.split_once("access_token=")?;
    let payload = token.split('&').next()?.split('.').nth(1)?;
    let claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}
