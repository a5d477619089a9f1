//! UDP: sockets that take and give datagrams in batches, and the addresses clients are offered.

mod addresses;
mod socket;

pub use addresses::{Advertised, advertised, warnings};
pub use socket::MediaSocket;
