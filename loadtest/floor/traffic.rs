//! What the one who presents sends in a scenario: pictures and sound, in packets.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use loadtest::media::clip::{Clip, DescriptorNumbers};
use loadtest::media::stamp::Stamp;
use loadtest::media::tone::Tone;
use loadtest::participant::Material;
use loadtest::scenario::Scenario;

/// Time from one frame of sound to the next.
const SOUND_INTERVAL: Duration = Duration::from_millis(20);

/// What goes into a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) bytes: Vec<u8>,
    /// Whether it ends with padding (RFC 3550 §5.1).
    pub(crate) is_padded: bool,
}

/// What is sent at a time, of pictures or sound.
pub(crate) type Frame = Vec<Payload>;

/// A track as a loop of frames.
#[derive(Debug)]
pub(crate) struct Track {
    frames: Vec<Frame>,
    /// Time from frame to frame.
    pub(crate) interval: Duration,
}

impl Track {
    /// A frame, counted without end.
    pub(crate) fn frame(&self, number: usize) -> &Frame {
        &self.frames[number % self.frames.len()]
    }
}

/// Finds a scenario of `plenary-load` in which one participant sends, and the others only receive.
pub(crate) fn scenario(name: &str) -> Result<Scenario> {
    let scenario = Scenario::find(name)?;
    let publishers = scenario.groups.iter().filter(|group| group.publishes());
    let [publisher] = publishers.collect::<Vec<_>>()[..] else {
        bail!("{name} has not one group that sends");
    };
    ensure!(
        scenario.rooms == 1 && publisher.count == 1 && publisher.video,
        "{name} is no room in which one presents"
    );
    Ok(scenario)
}

/// The tracks of the one who presents: its camera, in the encoding that all watch, and its
/// microphone.
pub(crate) fn tracks(mut scenario: Scenario, with_sound: bool) -> Result<Vec<Track>> {
    let video = &mut scenario.video;
    video.encodings = video.encodings.split_off(video.encodings.len() - 1);
    let interval = Duration::from_secs(1) / video.fps;
    let has_sound = with_sound && scenario.groups.iter().any(|group| group.audio);
    let material = Material::encode(&scenario, 1, usize::from(has_sound), |_, _| {})?;
    let clip = material.clips.concat().pop().context("a camera")?;
    let frames = (0..clip.len()).map(|frame| pictures(&clip, frame));
    let mut tracks = vec![Track {
        frames: frames.collect(),
        interval,
    }];
    for tone in material.tones {
        let frames = (0..Tone::FRAMES as u64).map(|number| {
            let payload = tone.payload(number, &Stamp::default());
            one_size(&[payload])
        });
        tracks.push(Track {
            frames: frames.collect(),
            interval: SOUND_INTERVAL,
        });
    }
    Ok(tracks)
}

fn pictures(clip: &Clip, frame: usize) -> Frame {
    let numbers = DescriptorNumbers {
        picture_id: frame as u16,
        tl0_pic_idx: 0,
    };
    let payloads: Vec<Arc<[u8]>> = (0..clip.packet_count(frame))
        .map(|packet| clip.payload(frame, packet, numbers, &Stamp::default()))
        .collect();
    one_size(&payloads)
}

/// Pads what is shorter. A message holds datagrams of one size, so that a frame is one; a forwarder
/// has to do this once, not for each receiver.
fn one_size(payloads: &[Arc<[u8]>]) -> Frame {
    let longest = payloads.iter().map(|payload| payload.len()).max();
    let padded = payloads.iter().map(|payload| {
        let missing = longest.unwrap_or(0) - payload.len();
        let mut bytes = payload.to_vec();
        bytes.resize(bytes.len() + missing, 0);
        if let Some(last) = bytes.last_mut().filter(|_| missing > 0) {
            // Senders cut frames into parts that differ by a byte or two.
            *last = missing.min(255) as u8;
        }
        Payload {
            bytes,
            is_padded: missing > 0,
        }
    });
    padded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_packets_of_one_size() {
        let frame = one_size(&[vec![1, 2].into(), vec![3, 4, 5].into()]);

        let payload = |bytes: &[u8], is_padded| Payload {
            bytes: bytes.to_vec(),
            is_padded,
        };
        assert_eq!(
            frame,
            [payload(&[1, 2, 1], true), payload(&[3, 4, 5], false)]
        );
    }

    #[test]
    fn a_webinar_has_a_camera_and_a_microphone() {
        let tracks = tracks_of("webinar", true);

        let [camera, microphone] = &tracks[..] else {
            panic!("{} tracks", tracks.len());
        };
        assert_eq!(camera.interval, Duration::from_secs(1) / 30);
        let bps = bits_per_second(camera);
        assert!((1_500_000.0..2_000_000.0).contains(&bps), "{bps} bit/s");
        assert!(microphone.frames.iter().all(|frame| frame.len() == 1));
    }

    #[test]
    fn a_broadcast_has_nine_packets_a_frame() {
        let tracks = tracks_of("broadcast", false);

        let [camera] = &tracks[..] else {
            panic!("{} tracks", tracks.len());
        };
        let packets: usize = camera.frames.iter().map(Vec::len).sum();
        let mean = packets as f64 / camera.frames.len() as f64;
        assert!((8.5..10.0).contains(&mean), "{mean} packets");
        let bps = bits_per_second(camera);
        assert!((2_300_000.0..2_900_000.0).contains(&bps), "{bps} bit/s");
    }

    #[test]
    fn a_scenario_in_which_several_send_is_refused() {
        for name in ["meeting", "stage", "one-to-one", "audio-room"] {
            assert!(scenario(name).is_err(), "{name}");
        }
    }

    fn tracks_of(name: &str, with_sound: bool) -> Vec<Track> {
        let scenario = scenario(name).expect("shipped");
        tracks(scenario, with_sound).expect("encoded")
    }

    fn bits_per_second(camera: &Track) -> f64 {
        let payloads = camera.frames.iter().flatten();
        let bytes: usize = payloads.map(|payload| payload.bytes.len()).sum();
        let seconds = camera.interval.as_secs_f64() * camera.frames.len() as f64;
        bytes as f64 * 8.0 / seconds
    }
}
