//! Recordings of a real `plenary`, to which `plenary-load` sends real pictures and sound: servers
//! that are killed and stopped, disks that are full and that hang, and an object store.

#[path = "../bucket/mod.rs"]
mod bucket;
mod composed;
mod disks;
mod ended;
#[path = "../folder/mod.rs"]
mod folder;
mod load;
mod played;
mod policy;
mod server;
mod stored;
