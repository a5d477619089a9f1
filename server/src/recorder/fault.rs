//! A disk that hangs on purpose, for tests of what that does to a call.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Names a file. As long as it is there, every disk hangs.
const VARIABLE: &str = "CHAOS_DISK_HANGS";

/// Waits while the disk hangs. A file beside the one that makes it hang tells that it does.
pub(super) fn hang() {
    static CAUSE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let cause = CAUSE.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    let Some(cause) = cause.as_deref().filter(|cause| cause.exists()) else {
        return;
    };
    // Whoever waits for it finds out.
    let _ = fs::write(hanging(cause), "");
    while cause.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn hanging(cause: &Path) -> PathBuf {
    cause.with_extension("hanging")
}
