//! The HTTP servers as their clients meet them: real handlers, no sockets.

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
    mod tokens;
    mod twirp;
}
