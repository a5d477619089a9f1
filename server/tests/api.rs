//! The HTTP servers as their clients meet them: real handlers, no sockets.

#[path = "bucket/mod.rs"]
mod bucket;
#[path = "folder/mod.rs"]
mod folder;

mod api {
    pub(crate) mod client;
    mod http;
    mod mixes;
    mod policy;
    mod profile;
    mod recordings;
    mod rooms;
    mod stored;
    mod tokens;
    mod twirp;
}
