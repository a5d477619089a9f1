//! An object store that speaks S3: files are uploaded, asked for, lent by links, and deleted.
//!
//! All of it is done by a thread of its own, which stands back behind those that carry media. A file
//! is sent by an [`Upload`]; whoever has several takes a turn first, so that few are sent at a time.

mod upload;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::multipart::MultipartStore;
use object_store::path::{Path, PathPart};
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{
    Attribute, Attributes, ClientOptions, ObjectStore, ObjectStoreExt, PutOptions, RetryConfig,
};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::task::JoinHandle;

use crate::config;

pub(crate) use upload::Upload;

/// Files that are sent at a time. More is faster over long ways, and takes more memory.
const MAX_UPLOADS: usize = 2;
/// How long a store may take for a request. A part of 8 MiB goes through with 230 kbit/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// How long it may take until a connection is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a request is repeated at once, when a store is busy for a moment. Longer failures are
/// for those who ask.
const MAX_REPEATS: usize = 2;
/// How long a link to a file works: as long as most recordings play, so that players can jump.
const LINK_LIFETIME: Duration = Duration::from_secs(3_600);
/// How far the thread stands back; 19 is most.
const NICENESS: i32 = 10;
/// Characters of what a store says that are kept: some answer with pages.
const MAX_ERROR_CHARS: usize = 400;

/// A bucket of an object store.
pub(crate) struct Store {
    bucket: AmazonS3,
    prefix: Path,
    /// `s3://<bucket>`
    url: String,
    part_bytes: u64,
    runtime: Handle,
    /// The thread ends without it.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    turns: Semaphore,
    sent_bytes: AtomicU64,
    failures: AtomicU64,
}

/// Without the bucket, which knows the secret.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.url).finish()
    }
}

/// Why a store does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file to send cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The store does not answer, or says no.
    #[error("{}", told(.0))]
    Store(#[from] object_store::Error),
    /// The store has something else than it was given.
    #[error("the store has {found} bytes of {path}, which has {sent}")]
    Size {
        /// The object.
        path: String,
        /// Bytes that were sent.
        sent: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The server stops.
    #[error("the server is shutting down")]
    Stopped,
}

/// What is at the bottom of an error, and of that what is meant for people: S3 answers with XML.
fn told(error: &object_store::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(own, _)| own)
    };
    let told = match (text.split_once('<'), element("Code")) {
        (Some((status, _)), Some(code)) => {
            let message = element("Message").unwrap_or_default();
            format!("{status}{code}: {message}")
        }
        _ => text,
    };
    told.trim_end_matches([' ', ':'])
        .chars()
        .take(MAX_ERROR_CHARS)
        .collect()
}

impl Store {
    /// Opens the bucket that is configured, if one is. Nothing is asked of it yet.
    ///
    /// # Errors
    /// What the system says, or that the settings contradict each other.
    pub(crate) fn open(config: &config::Store) -> io::Result<Option<Self>> {
        let Some(name) = &config.bucket else {
            return Ok(None);
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("object-store".to_owned())
            .spawn(move || {
                // Where it cannot be had uploads take more from conferences.
                let _ = rustix::process::nice(NICENESS);
                // That nobody can stop it any more stops it too.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Some(Self {
            bucket: bucket(config, name).map_err(io::Error::other)?,
            prefix: Path::from(config.prefix.as_str()),
            url: format!("s3://{name}"),
            part_bytes: config.part_bytes as u64,
            runtime: handle,
            stop: Mutex::new(Some(stop)),
            turns: Semaphore::new(MAX_UPLOADS),
            sent_bytes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        }))
    }

    /// The name of the object that a file with this path becomes.
    pub(crate) fn key(&self, path: &str) -> Path {
        let parts = path.split('/').map(PathPart::from);
        self.prefix.parts().chain(parts).collect()
    }

    /// What stands for a path there, for people.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{}", self.url, self.key(path))
    }

    /// Does something on the store's thread.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Does something on the store's thread, and waits for it. It blocks.
    ///
    /// # Errors
    /// [`StoreError::Stopped`], or what the work says.
    pub(crate) fn wait_for<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = self.runtime.block_on(self.spawn(work));
        done.unwrap_or(Err(StoreError::Stopped))
    }

    /// Waits until few enough others upload.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        let turn = self.turns.acquire().await;
        turn.map_err(|_| StoreError::Stopped)
    }

    /// Uploads what is in memory.
    pub(crate) async fn put(
        &self,
        key: &Path,
        content: Vec<u8>,
        media_type: &'static str,
    ) -> Result<(), StoreError> {
        let bytes = content.len() as u64;
        let options = PutOptions::from(attributes(media_type));
        let put = self.bucket.put_opts(key, content.into(), options);
        put.await?;
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.check(key, bytes).await
    }

    /// Asks whether an object is as large as what was sent.
    async fn check(&self, key: &Path, sent: u64) -> Result<(), StoreError> {
        let found = self.bucket.head(key).await?.size;
        match found == sent {
            true => Ok(()),
            false => Err(StoreError::Size {
                path: key.to_string(),
                sent,
                found,
            }),
        }
    }

    /// Has the store forget the parts of an upload that was given up.
    pub(crate) async fn abort(&self, key: &Path, id: &str) -> Result<(), StoreError> {
        match self.bucket.abort_multipart(key, &id.to_owned()).await {
            // Then it is forgotten, or has been completed.
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error @ object_store::Error::PermissionDenied { .. }) => {
                tracing::warn!(%key, error = %told(&error), "an upload cannot be aborted");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an object; one that is not there is as good as deleted.
    pub(crate) async fn delete(&self, key: &Path) -> Result<(), StoreError> {
        match self.bucket.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes all objects whose names begin with a path and a slash.
    pub(crate) async fn delete_below(&self, folder: &Path) -> Result<(), StoreError> {
        let found: Vec<_> = self.bucket.list(Some(folder)).try_collect().await?;
        let keys = found.into_iter().map(|object| Ok(object.location));
        let keys = futures_util::stream::iter(keys).boxed();
        let mut deleted = self.bucket.delete_stream(keys);
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A link with which anybody gets an object for a while, under a name of its own if they are to
    /// save it.
    pub(crate) async fn link(
        &self,
        key: &Path,
        save_as: Option<&str>,
    ) -> Result<String, StoreError> {
        let mut options = SignedUrlOptions::default();
        if let Some(name) = save_as {
            let disposition = format!("attachment; filename=\"{name}\"");
            options = options.with_query([("response-content-disposition", disposition)]);
        }
        let link = (self.bucket)
            .signed_url_opts(Method::GET, key, LINK_LIFETIME, &options)
            .await?;
        Ok(link.into())
    }

    /// Something has failed that will be tried again.
    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes that were sent since the start.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    /// Tries that have failed since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Gives up everything that is being done.
    pub(crate) fn stop(&self) {
        self.stop.lock().take();
    }
}

fn attributes(media_type: &'static str) -> Attributes {
    Attributes::from_iter([(Attribute::ContentType, media_type)])
}

fn bucket(config: &config::Store, name: &str) -> object_store::Result<AmazonS3> {
    let client = ClientOptions::new()
        .with_allow_http(config.allow_http)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT);
    let repeats = RetryConfig {
        max_retries: MAX_REPEATS,
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_virtual_hosted_style_request(!config.path_style)
        .with_checksum_algorithm(Checksum::SHA256)
        // Not all stores delete several objects at once.
        .with_disable_bulk_delete(true)
        .with_client_options(client)
        .with_retry(repeats);
    if let Some(origin) = config.origin() {
        builder = builder.with_endpoint(origin);
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    match (&config.access_key_id, &config.secret_access_key) {
        (Some(id), Some(secret)) => builder
            .with_access_key_id(id)
            .with_secret_access_key(secret.expose()),
        _ => role_variables().fold(builder, |builder, (key, value)| {
            builder.with_config(key, value)
        }),
    }
    .build()
}

/// What EKS and ECS tell a process of its role. EC2 tells it by a server of its own.
fn role_variables() -> impl Iterator<Item = (AmazonS3ConfigKey, String)> {
    [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ]
    .into_iter()
    .filter_map(|name| {
        let key = name.to_ascii_lowercase().parse().ok()?;
        Some((key, std::env::var(name).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_is_told_without_its_xml() {
        let error = |text: &str| object_store::Error::Generic {
            store: "S3",
            source: io::Error::other(text.to_owned()).into(),
        };
        let xml = "status code: 403 Forbidden: <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>\
                   <Message>No.</Message><RequestId>7</RequestId></Error>";

        assert_eq!(
            told(&error(xml)),
            "status code: 403 Forbidden: AccessDenied: No."
        );
        assert_eq!(told(&error("502 Bad Gateway: ")), "502 Bad Gateway");
        assert_eq!(told(&error(&"x".repeat(9_999))).len(), MAX_ERROR_CHARS);
    }
}
