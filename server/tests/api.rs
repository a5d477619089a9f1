//! The public HTTP server as its clients meet it: real handlers, no sockets.

mod api {
    pub(crate) mod client;
    mod http;
    mod rooms;
    mod tokens;
}
