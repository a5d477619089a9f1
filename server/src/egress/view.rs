//! Egresses as LiveKit shows them.

use mixer::recording::{FileState, Manifest, RecordedFile, State, StoredState};
use proto::signal::messages::{EgressInfo, EgressSourceType, EgressStatus, FileInfo, egress_info};

use super::kept::Kept;

pub(super) const NS_PER_MS: i64 = 1_000_000;
pub(super) const NS_PER_US: i64 = 1_000;

/// Whether nothing changes any more.
pub(super) fn is_final(status: EgressStatus) -> bool {
    match status {
        EgressStatus::EgressStarting | EgressStatus::EgressActive | EgressStatus::EgressEnding => {
            false
        }
        EgressStatus::EgressComplete
        | EgressStatus::EgressFailed
        | EgressStatus::EgressAborted
        | EgressStatus::EgressLimitReached => true,
    }
}

/// Whether a recording ended before it should.
pub(super) fn has_failed(manifest: &Manifest) -> bool {
    matches!(manifest.state, State::DiskFull | State::Failed)
}

/// An egress whose recording stands like this.
pub(super) fn of_kept(kept: &Kept, manifest: &Manifest) -> EgressInfo {
    let mut info = kept.info.clone();
    if kept.is_final() {
        return info;
    }
    if manifest.state.is_final() {
        info.set_status(EgressStatus::EgressEnding);
    } else if info.status() == EgressStatus::EgressStarting && !manifest.files.is_empty() {
        info.set_status(EgressStatus::EgressActive);
    }
    let file = FileInfo {
        filename: kept.plan.path.clone(),
        started_at: info.started_at,
        ..FileInfo::default()
    };
    set_files(&mut info, vec![file]);
    info
}

/// A recording that did not begin as an egress, with the files of its tracks.
pub(super) fn of_recording(egress_id: String, manifest: &Manifest) -> EgressInfo {
    let status = match manifest.state {
        State::Recording | State::Paused if manifest.files.is_empty() => {
            EgressStatus::EgressStarting
        }
        State::Recording | State::Paused => EgressStatus::EgressActive,
        State::Finalizing => EgressStatus::EgressEnding,
        State::Done | State::Recovered => EgressStatus::EgressComplete,
        State::DiskFull | State::Failed => EgressStatus::EgressFailed,
    };
    let files = manifest.files.iter();
    let files = files.map(|file| FileInfo {
        location: stored_location(manifest, &file.path),
        ..of_file(file, manifest, file.path.clone())
    });
    let error = manifest.error.clone().unwrap_or_default();
    let mut info = EgressInfo {
        egress_id,
        room_id: manifest.room_sid.clone(),
        room_name: manifest.room.clone(),
        source_type: EgressSourceType::Sdk.into(),
        status: status.into(),
        started_at: manifest.started_at_ms * NS_PER_MS,
        ended_at: manifest.ended_at_ms.unwrap_or(0) * NS_PER_MS,
        updated_at: manifest.ended_at_ms.unwrap_or(manifest.started_at_ms) * NS_PER_MS,
        ..EgressInfo::default()
    };
    if status == EgressStatus::EgressFailed {
        info.error = error;
    } else {
        info.details = error;
    }
    set_files(&mut info, files.collect());
    info
}

/// Where the object store has a file, once it has all of the recording.
fn stored_location(manifest: &Manifest, path: &str) -> String {
    let stored = manifest.stored.as_ref();
    let stored = stored.filter(|stored| stored.state == StoredState::Stored);
    stored.map_or_else(String::new, |stored| format!("{}/{path}", stored.url))
}

/// The file of a track, under the name it has.
pub(super) fn of_file(file: &RecordedFile, manifest: &Manifest, filename: String) -> FileInfo {
    let zero = manifest.started_at_ms * NS_PER_MS;
    let (first_us, last_us) = (
        file.first_pts_us.unwrap_or(0),
        file.last_pts_us.unwrap_or(0),
    );
    let has_ended = file.state != FileState::Open;
    FileInfo {
        filename,
        started_at: zero + first_us * NS_PER_US,
        ended_at: i64::from(has_ended) * (zero + last_us * NS_PER_US),
        duration: (last_us - first_us) * NS_PER_US,
        size: i64::try_from(file.bytes).unwrap_or(i64::MAX),
        location: String::new(),
    }
}

/// Says which files there are.
pub(super) fn set_files(info: &mut EgressInfo, files: Vec<FileInfo>) {
    if let [file] = files.as_slice() {
        #[expect(deprecated, reason = "clients of LiveKit's older API read this one")]
        let result = egress_info::Result::File(file.clone());
        info.result = Some(result);
    }
    info.file_results = files;
}

#[cfg(test)]
mod tests {
    use mixer::recording::Stored;

    use super::super::kept::{Make, Plan};
    use super::*;

    #[test]
    fn an_egress_is_active_when_there_is_media() {
        let kept = kept(EgressStatus::EgressStarting);
        let mut manifest = manifest();

        assert_eq!(
            of_kept(&kept, &manifest).status(),
            EgressStatus::EgressStarting
        );
        manifest.files.push(file());
        let info = of_kept(&kept, &manifest);
        assert_eq!(info.status(), EgressStatus::EgressActive);
        assert_eq!(info.file_results[0].filename, "a.webm");
        manifest.state = State::Done;
        assert_eq!(
            of_kept(&kept, &manifest).status(),
            EgressStatus::EgressEnding
        );
    }

    #[test]
    fn an_egress_that_has_ended_stays_as_it_is() {
        let kept = kept(EgressStatus::EgressAborted);

        assert_eq!(of_kept(&kept, &manifest()), kept.info);
    }

    #[test]
    fn a_recording_is_shown_with_its_tracks() {
        let mut manifest = manifest();
        manifest.files.push(file());
        manifest.state = State::Done;
        manifest.ended_at_ms = Some(9_000);

        let info = of_recording("EG_1".to_owned(), &manifest);

        assert_eq!(info.status(), EgressStatus::EgressComplete);
        assert_eq!(
            (info.started_at, info.ended_at),
            (1_000_000_000, 9_000_000_000)
        );
        let expected = FileInfo {
            filename: "tracks/PA_1/TR_1-cam-000.mkv".to_owned(),
            started_at: 1_500_000_000,
            ended_at: 6_000_000_000,
            duration: 4_500_000_000,
            size: 77,
            location: String::new(),
        };
        assert_eq!(info.file_results, [expected]);
    }

    #[test]
    fn the_files_of_a_recording_are_where_the_store_has_them() {
        let mut manifest = manifest();
        manifest.files.push(file());
        let mut stored = Stored::new("s3://talks/RM_1/RC_1".to_owned(), 0);
        let mut location_in = |state| {
            stored.enter(state, 0);
            manifest.stored = Some(stored.clone());
            let info = of_recording("EG_1".to_owned(), &manifest);
            info.file_results[0].location.clone()
        };

        assert_eq!(location_in(StoredState::Uploading), "");
        assert_eq!(
            location_in(StoredState::Stored),
            "s3://talks/RM_1/RC_1/tracks/PA_1/TR_1-cam-000.mkv"
        );
    }

    fn kept(status: EgressStatus) -> Kept {
        Kept {
            plan: Plan {
                path: "a.webm".to_owned(),
                make: Make::Track,
            },
            info: EgressInfo {
                egress_id: "EG_1".to_owned(),
                status: status.into(),
                ..EgressInfo::default()
            },
        }
    }

    fn manifest() -> Manifest {
        let json = r#"{"version": 1, "id": "RC_1", "room": "blue", "room_sid": "RM_1", "state": "recording",
            "started_at_ms": 1000, "duration_us": 0, "pauses": [], "lost_packets": 0, "dropped_packets": 0, "files": []}"#;
        Manifest::read(json.as_bytes()).unwrap()
    }

    fn file() -> RecordedFile {
        let json = r#"{"path": "tracks/PA_1/TR_1-cam-000.mkv", "state": "complete", "codec": "vp8", "source": "camera",
            "participant": "PA_1", "identity": "ann", "name": "", "track": "TR_1", "first_pts_us": 500000,
            "last_pts_us": 5000000, "bytes": 77, "blocks": 3, "keyframes": 1}"#;
        serde_json::from_str(json).unwrap()
    }
}
