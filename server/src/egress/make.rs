//! The files of an egress, made of a recording that has ended.

use std::fs;
use std::io;
use std::path::Path;

use mixer::layout::Layout;
use mixer::recording::{Manifest, RecordedFile};
use proto::signal::messages::FileInfo;

use super::kept::{Make, Plan};
use super::{target, view};
use crate::compose::{self, Composed, Job, JobError, Progress};
use crate::files;

/// A composite that is not complete, in the recording's folder.
const UNFINISHED: &str = ".egress.webm";
/// How far behind everything else the thread stands that makes composites: it can wait, the room
/// cannot.
const NICENESS: i32 = 15;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Made {
    Files(Vec<FileInfo>),
    /// There was nothing to make files of.
    Nothing,
}

/// Makes the files of a recording in `folder`, below `root`.
///
/// # Errors
/// What to tell whoever wanted them.
pub(super) fn make(
    plan: &Plan,
    manifest: &Manifest,
    folder: &Path,
    root: &Path,
) -> Result<Made, String> {
    match &plan.make {
        Make::Track => keep_track(plan, manifest, folder, root),
        Make::Composite { .. } => compose(plan, manifest, folder, root),
    }
}

/// The files of a track, under names somebody has chosen.
fn keep_track(
    plan: &Plan,
    manifest: &Manifest,
    folder: &Path,
    root: &Path,
) -> Result<Made, String> {
    let with_media = manifest.files.iter().filter(|file| file.blocks > 0);
    let mut made = Vec::new();
    for (index, file) in with_media.enumerate() {
        let name = track_name(&plan.path, file, index);
        let path = Path::new(&file.path);
        if !files::is_below(path) {
            return Err(format!("{} is not in the recording's folder", file.path));
        }
        place(&folder.join(path), &root.join(&name)).map_err(|error| format!("{name}: {error}"))?;
        let location = root.join(&name).display().to_string();
        made.push(FileInfo {
            location,
            ..view::of_file(file, manifest, name)
        });
    }
    Ok(match made.is_empty() {
        true => Made::Nothing,
        false => Made::Files(made),
    })
}

/// A long track has several files, of which all but the first get a number; and a track that turned
/// out to be of another codec has another extension.
fn track_name(path: &str, file: &RecordedFile, index: usize) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let extension = target::extension(&file.codec);
    match index {
        0 => format!("{stem}.{extension}"),
        _ => format!("{stem}-{}.{extension}", index + 1),
    }
}

fn compose(plan: &Plan, manifest: &Manifest, folder: &Path, root: &Path) -> Result<Made, String> {
    let Make::Composite {
        pictures,
        has_sound,
        layout,
    } = &plan.make
    else {
        return Ok(Made::Nothing);
    };
    let job = Job {
        recording: folder.to_owned(),
        out: folder.join(UNFINISHED),
        layout: layout.clone(),
        first_layout: Layout::default(),
        shows_names: layout.is_none(),
        video: pictures.map(super::encoding::Pictures::settings),
        has_sound: *has_sound,
        threads: compose::spare_threads(),
    };
    // Of a server that ended meanwhile.
    let _ = fs::remove_file(&job.out);
    // Where it cannot be had it is slower for everyone, but no worse.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    let composed = compose::run(&job, &Progress::default());
    let outcome = match composed {
        Ok(composed) => place(&job.out, &root.join(&plan.path))
            .map(|()| Made::Files(vec![of_composite(composed, plan, manifest, root)]))
            .map_err(|error| format!("{}: {error}", plan.path)),
        Err(JobError::Empty) => Ok(Made::Nothing),
        Err(error) => Err(error.to_string()),
    };
    let _ = fs::remove_file(&job.out);
    outcome
}

fn of_composite(composed: Composed, plan: &Plan, manifest: &Manifest, root: &Path) -> FileInfo {
    let started_at = manifest.started_at_ms.saturating_mul(view::NS_PER_MS);
    let duration = composed.duration_us.saturating_mul(view::NS_PER_US);
    FileInfo {
        filename: plan.path.clone(),
        started_at,
        ended_at: started_at.saturating_add(duration),
        duration,
        size: i64::try_from(composed.bytes).unwrap_or(i64::MAX),
        location: root.join(&plan.path).display().to_string(),
    }
}

/// Gives a file another name, without taking that of another.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        files::make_folder(folder)?;
    }
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => copy(from, to),
        outcome => outcome,
    }
}

/// Where files cannot have two names, or are on two disks.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut target = files::create(to)?;
    let copied = io::copy(&mut source, &mut target).and_then(|_| target.sync_data());
    if copied.is_err() {
        // What is there of it is of no use.
        let _ = fs::remove_file(to);
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_of_a_track_have_numbers() {
        let vp8 = file("vp8");

        assert_eq!(track_name("a/b.webm", &vp8, 0), "a/b.webm");
        assert_eq!(track_name("a/b.webm", &vp8, 1), "a/b-2.webm");
        assert_eq!(track_name("a/b.webm", &file("h264"), 0), "a/b.mkv");
    }

    #[test]
    fn a_track_is_kept_under_the_name_it_was_given_and_takes_none() {
        let folder = std::env::temp_dir().join(format!("plenary-egress-{}", std::process::id()));
        fs::create_dir_all(folder.join("tracks")).unwrap();
        fs::write(folder.join("tracks/a.mkv"), b"media").unwrap();
        let plan = Plan {
            path: "talks/one.webm".to_owned(),
            make: Make::Track,
        };
        let root = folder.join("egress");
        let manifest = manifest(vec![file("vp8")]);

        let made = make(&plan, &manifest, &folder, &root);
        let again = make(&plan, &manifest, &folder, &root);
        let content = fs::read(root.join("talks/one.webm"));
        fs::remove_dir_all(&folder).unwrap();

        let Ok(Made::Files(files)) = made else {
            panic!("{made:?}");
        };
        assert_eq!(
            (files[0].filename.as_str(), files[0].size),
            ("talks/one.webm", 5)
        );
        assert_eq!(content.unwrap(), b"media");
        assert!(again.is_err());
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        let mut file = file("vp8");
        file.path = "../../secret".to_owned();
        let plan = Plan {
            path: "a.webm".to_owned(),
            make: Make::Track,
        };

        let made = make(
            &plan,
            &manifest(vec![file]),
            Path::new("/nowhere"),
            Path::new("/nowhere"),
        );

        assert!(made.is_err());
    }

    fn file(codec: &str) -> RecordedFile {
        let json = serde_json::json!({
            "path": "tracks/a.mkv", "state": "complete", "codec": codec, "source": "camera", "participant": "PA_1",
            "identity": "ann", "name": "", "track": "TR_1", "bytes": 5, "blocks": 3, "keyframes": 1,
        });
        serde_json::from_value(json).unwrap()
    }

    fn manifest(files: Vec<RecordedFile>) -> Manifest {
        let json = r#"{"version": 1, "id": "RC_1", "room": "blue", "room_sid": "RM_1", "state": "done",
            "started_at_ms": 1000, "duration_us": 0, "pauses": [], "lost_packets": 0, "dropped_packets": 0, "files": []}"#;
        Manifest {
            files,
            ..Manifest::read(json.as_bytes()).unwrap()
        }
    }
}
