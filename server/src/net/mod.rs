//! UDP: sockets that take and give datagrams in batches, and the addresses clients are offered.

mod addresses;
mod socket;
mod transit;

pub use addresses::{Advertised, advertised, warnings};
pub use socket::MediaSocket;
pub use transit::{BOUNDS_US, Transit};
