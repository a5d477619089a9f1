//! The journal and the manifest of a recording, which may have been in other hands.

use mixer::recording::{Journal, Manifest};

/// A journal gives or skips each of its whole lines; a manifest that can be read reads the same when it
/// has been written again, and can be recovered.
pub fn run(content: &[u8]) {
    let mut journal = Journal::new(content);
    let given = journal.by_ref().count();
    let lines = content.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(given + journal.skipped(), lines);

    let Ok(mut manifest) = Manifest::read(content) else {
        return;
    };
    let again = Manifest::read(&manifest.to_json()).expect("it was read before");
    assert_eq!(again, manifest);
    manifest.recover();
    Manifest::read(&manifest.to_json()).expect("it was read before");
}
