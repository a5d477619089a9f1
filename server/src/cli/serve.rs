//! `plenary serve`

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clap::Args;
use proto::token::{ApiKeys, Claims, VideoGrant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{CliError, load, say};
use crate::config::{Config, ConfigFlags};
use crate::node::Node;
use crate::observe::{self, Metrics};
use crate::{clock, http, listen, net, signalling};

/// Run the server.
///
/// Settings come from a TOML file, the environment and flags of the same names; a flag wins over the
/// environment, and that over the file. `plenary config --docs` lists them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plenary serve --dev                                  on this machine only, with a key made for this start
  plenary serve --config plenary.toml                  as the file says
  plenary serve --key-file plenary.keys --public-url https://conference.example.com
  PLENARY_LOG_LEVEL=debug plenary serve --dev          the same names in the environment

SIGTERM and SIGINT stop the server: participants are told to reconnect elsewhere, and the exit code is 0.")]
pub(super) struct Serve {
    #[command(flatten)]
    flags: ConfigFlags,
}

impl Serve {
    #[cfg(test)]
    pub(super) fn flags(&self) -> &ConfigFlags {
        &self.flags
    }

    pub(super) fn run(self) -> Result<(), CliError> {
        let mut config = load(&self.flags)?.config;
        let made_key = config.make_dev_key();
        config.check()?;
        observe::start_logging(&config.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Failed(format!("cannot start threads: {error}")))?;
        runtime.block_on(serve(Arc::new(config), made_key))
    }
}

async fn serve(config: Arc<Config>, made_key: bool) -> Result<(), CliError> {
    let keys = ApiKeys::new(config.keys.clone());
    let metrics = Metrics::new();
    let node = Node::start(&config).map_err(|error| CliError::Failed(error.to_string()))?;
    let counters = node.clone();
    metrics.read_workers_with(move || counters.counters());
    let signalling =
        signalling::routes(node.clone(), keys.clone(), metrics.clone(), &config.limits);

    // All ports are taken before any is served, so that a server either starts or says why not.
    let admin = listen::bind(config.admin.listen)
        .map_err(|error| cannot_bind("admin.listen", config.admin.listen, &error))?;
    let listeners = bind_http(&config)?;
    let mut signals = Signals::new()
        .map_err(|error| CliError::Failed(format!("cannot wait for signals: {error}")))?;

    let (stop, stopped) = watch::channel(false);
    let public = http::router(
        node.clone(),
        keys.clone(),
        config.clone(),
        metrics.clone(),
        signalling,
    );
    let mut servers = tokio::task::JoinSet::new();
    for listener in listeners {
        servers.spawn(serve_one(
            listener,
            public.clone(),
            config.clone(),
            metrics.clone(),
            stopped.clone(),
        ));
    }
    servers.spawn(serve_one(
        admin,
        observe::routes(metrics.clone()),
        config.clone(),
        metrics,
        stopped,
    ));
    announce(&config, &keys, made_key);
    announce_media(&config, &node);

    let name = signals.wait().await;
    tracing::info!(signal = name, "stopping");
    node.shutdown().await;
    // Nobody waits on this channel only if every server has ended.
    let _ = stop.send(true);
    let ended = tokio::time::timeout(STOP_TIMEOUT, async {
        while servers.join_next().await.is_some() {}
    })
    .await;
    if ended.is_err() {
        tracing::warn!("servers did not stop in time");
    }
    Ok(())
}

/// Longest time the HTTP servers may take to stop, after participants have been told to leave.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

async fn serve_one(
    listener: TcpListener,
    router: Router,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
) {
    listen::serve(listener, router, &config.limits, metrics, stop).await;
}

/// Binds every public address. On a machine without IPv6 those of it are left out, as long as one is bound.
fn bind_http(config: &Config) -> Result<Vec<TcpListener>, CliError> {
    let mut listeners = Vec::new();
    for address in &config.http.listen {
        match listen::bind(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error)
                if address.is_ipv6() && is_absent(&error) && config.http.listen.len() > 1 =>
            {
                tracing::info!(%address, "this machine has no IPv6, not listening there");
            }
            Err(error) => return Err(cannot_bind("http.listen", *address, &error)),
        }
    }
    if listeners.is_empty() {
        return Err(CliError::Failed(
            "none of the addresses of http.listen exists on this machine".to_owned(),
        ));
    }
    Ok(listeners)
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
        // EAFNOSUPPORT of Linux.
        || error.raw_os_error() == Some(97)
}

fn cannot_bind(setting: &str, address: SocketAddr, error: &std::io::Error) -> CliError {
    let hints = [
        (
            ErrorKind::AddrInUse,
            "another process has that port; is a server running already?",
        ),
        (
            ErrorKind::PermissionDenied,
            "ports below 1024 need CAP_NET_BIND_SERVICE",
        ),
        (
            ErrorKind::AddrNotAvailable,
            "this machine does not have that address",
        ),
    ];
    let hint = hints
        .into_iter()
        .find(|(kind, _)| *kind == error.kind())
        .map_or("", |(_, hint)| hint);
    CliError::Failed(
        format!("cannot listen on {address} ({setting}): {error}. {hint}")
            .trim_end()
            .to_owned(),
    )
}

/// Tells the terminal where the server is. The key and the link go to standard output only, never to the log.
fn announce(config: &Config, keys: &ApiKeys, made_key: bool) {
    for address in &config.http.listen {
        tracing::info!(%address, "http");
    }
    tracing::info!(address = %config.admin.listen, "metrics");
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    say(format!(
        "Plenary {} listens on {}",
        env!("CARGO_PKG_VERSION"),
        addresses(&config.http.listen)
    ));
    if !config.dev {
        return;
    }
    if made_key {
        for (key, secret) in &config.keys {
            say(format!(
                "\nAPI key for this start only:\n  {key}: {}",
                secret.expose()
            ));
        }
    }
    match dev_link(config, keys) {
        Some(link) if config.web.enabled => {
            say(format!("\nOpen this in two browser windows:\n  {link}"))
        }
        _ => {}
    }
    let port = config.http.listen.first().map_or(0, SocketAddr::port);
    say(format!(
        "\nLiveKit SDKs connect to ws://localhost:{port}, the API is described at http://localhost:{port}/docs"
    ));
}

/// Says where media goes, and what looks wrong about that.
fn announce_media(config: &Config, node: &Node) {
    let (first, count) = (config.udp.port, config.workers.count());
    let last = usize::from(first) + count - 1;
    say(format!(
        "\nMedia uses UDP ports {first} to {last} at these addresses:"
    ));
    for own in node.advertised() {
        say(format!("  {}  ({})", own.ip, own.reason));
    }
    let in_container = std::path::Path::new("/.dockerenv").exists()
        || std::path::Path::new("/run/.containerenv").exists();
    for warning in net::warnings(config, node.advertised(), in_container) {
        tracing::warn!("{warning}");
        say(format!("\nWarning: {warning}"));
    }
}

fn addresses(addresses: &[SocketAddr]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A link that leads into a room. Without guest tokens it carries a token, that only one window can use.
fn dev_link(config: &Config, keys: &ApiKeys) -> Option<String> {
    let port = config.http.listen.first()?.port();
    let page = format!("http://localhost:{port}/room/hello");
    if config.web.guest_tokens {
        return Some(page);
    }
    let claims = Claims {
        identity: "developer".to_owned(),
        video: VideoGrant {
            room_join: true,
            room_record: true,
            room: "hello".to_owned(),
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let token = keys
        .sign(
            &claims,
            None,
            clock::unix_now(),
            Duration::from_secs(24 * 3600),
        )
        .ok()?;
    Some(format!("{page}#token={token}"))
}

/// The signals that stop the server.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them, and names it.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
