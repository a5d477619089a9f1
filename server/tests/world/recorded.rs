//! What is said and shown in a room, on its way through sessions, engines and the recorder, into files
//! and the composite made of them: flashes and beeps of the same moment are at the same time there.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mixer::codec::{self, Effort, EncoderSettings, VideoDecoder, VideoEncoder};
use mixer::layout::Layout;
use mixer::mux::{Media, Reader};
use mixer::picture::{Color, Picture, Rect, Size};
use mixer::recording::{End, FileId, MANIFEST_NAME, Manifest, Output, Recorder, Settings};
use opus::{Application, Channels};
use plenary::compose::{self, Job, Progress};
use plenary::engine::{ListenerId, Purpose, Reply, Request};
use plenary::recorder;
use proto::codec::Codec;
use rand::RngExt;

use crate::film::Film;
use crate::folder::Folder;
use crate::link::Link;
use crate::world::World;

const LISTENER: ListenerId = ListenerId(7);
/// How often the recorder gets what was heard, and is to give up what was waited for; as the server
/// does it.
const HANDOVER: Duration = Duration::from_millis(40);
const TICK: Duration = Duration::from_millis(200);
/// How long people are recorded, and when the last of them joins.
const SPAN_S: u64 = 60;
const LATE_S: u64 = 20;
/// When sender reports have come from all; what comes before is placed by when it comes.
const SETTLED_S: u64 = LATE_S + 4;
/// What people notice of lips and voices: half of all moments, and 95 of 100.
const MEDIAN_US: i64 = 20_000;
const P95_US: i64 = 40_000;
/// From one picture to the next.
const FRAME_US: i64 = 33_333;
/// Pixels of a camera's picture, and of its tile.
const SIZE: Size = Size::new(96, 64);
const SAMPLES_PER_MS: usize = 48;

#[test]
fn lips_stay_with_voices_and_people_with_each_other() {
    hold_conference("lips_stay_with_voices_and_people_with_each_other", 0.0);
}

#[test]
fn lips_stay_with_voices_where_two_of_a_hundred_packets_are_lost() {
    let name = "lips_stay_with_voices_where_two_of_a_hundred_packets_are_lost";
    hold_conference(name, 0.02);
}

#[test]
fn lips_stay_with_voices_where_five_of_a_hundred_packets_are_lost() {
    let name = "lips_stay_with_voices_where_five_of_a_hundred_packets_are_lost";
    hold_conference(name, 0.05);
}

/// Two people and one who joins late are recorded, on links that lose so many of their packets.
fn hold_conference(name: &str, loss: f64) {
    let mut world = World::new(name);
    let clips = Clips::make();
    join(&mut world, "ann", loss, 200, &clips);
    let mut tape = Tape::begin(&mut world);
    join(&mut world, "ben", loss, -200, &clips);
    tape.run_for(&mut world, LATE_S);
    join(&mut world, "cid", loss, 200, &clips);
    tape.run_for(&mut world, SPAN_S - LATE_S);
    let captured = Moments::captured(&world, tape.zero);

    let (folder, manifest) = tape.end(&world);

    let in_tracks = |name: &String| Shown::in_tracks(&folder.0, &manifest, name);
    let in_tracks: Vec<_> = captured.keys().map(in_tracks).collect();
    for ((name, captured), shown) in captured.iter().zip(&in_tracks) {
        expect_sync(&format!("the tracks of {name}"), shown, captured);
    }
    expect_unison(&in_tracks, captured.values());
    expect_composite_of(&folder.0, &captured, &in_tracks);
}

/// In a composite of files, flashes are seen with the nearest picture, and beeps heard with them.
fn expect_composite_of(folder: &Path, captured: &BTreeMap<String, Moments>, in_tracks: &[Shown]) {
    let composite = compose(folder, captured.keys());
    let heard_us = beeps_us(&blocks(&composite, true), Channels::Stereo);
    // All beep at once, and the first is heard.
    let all_beeps = in_tracks.iter().zip(captured.values());
    let all_beeps = all_beeps.map(|(shown, own)| by_second(&shown.beeps_us, &own.beeps_us));
    let later_than_files = late_us(&heard_us, &first(all_beeps));
    for (place, (own, (name, captured))) in (0..).zip(in_tracks.iter().zip(captured)) {
        let seen_us = flashes_us(&blocks(&composite, false), place * SIZE.width);
        let nearest = late_us(&seen_us, &by_second(&own.flashes_us, &captured.flashes_us));
        let is_nearest = |flash_us: &i64| flash_us.abs() <= FRAME_US / 2 + 1_500;
        assert!(nearest.values().all(is_nearest), "{name}: {nearest:?}");
        let flashes = late_us(&seen_us, &captured.flashes_us);
        let beeps = late_us(&own.beeps_us, &captured.beeps_us);
        let both = flashes.iter().filter_map(|(second, flash_us)| {
            let beep_us = beeps.get(second)? + later_than_files.get(second)?;
            Some(beep_us - flash_us)
        });
        let apart_us: Vec<i64> = both.collect();
        let (median_us, p95_us) = sum_up(&apart_us);
        let told = format!("{name} in the composite: median {median_us} us, p95 {p95_us} us");
        assert!(median_us.abs() <= MEDIAN_US && p95_us <= P95_US, "{told}");
        assert!(
            apart_us.len() >= captured.flashes_us.len() * 8 / 10,
            "{told}"
        );
    }
}

/// Flashes and beeps are where they were to each other.
fn expect_sync(what: &str, shown: &Shown, captured: &Moments) {
    let flashes = late_us(&shown.flashes_us, &captured.flashes_us);
    let beeps = late_us(&shown.beeps_us, &captured.beeps_us);
    let both = flashes.iter().filter_map(|(second, flash_us)| {
        let beep_us = beeps.get(second)?;
        Some(beep_us - flash_us)
    });
    let apart_us: Vec<i64> = both.collect();
    let (median_us, p95_us) = sum_up(&apart_us);
    let told = format!("{what}: median {median_us} us, p95 {p95_us} us: {apart_us:?}");
    assert!(median_us.abs() <= MEDIAN_US && p95_us <= P95_US, "{told}");
    let least = captured.flashes_us.len() * 8 / 10;
    assert!(apart_us.len() >= least, "{told}: {least}");
}

/// Those who flash at once do so in their files.
fn expect_unison<'a>(shown: &[Shown], captured: impl Iterator<Item = &'a Moments>) {
    let all = shown.iter().zip(captured);
    let all = all.map(|(shown, own)| late_us(&shown.flashes_us, &own.flashes_us));
    let all: Vec<_> = all.collect();
    let mut count = 0;
    for second in SETTLED_S..SPAN_S {
        let late: Vec<_> = all.iter().filter_map(|own| own.get(&second)).collect();
        let (Some(least), Some(most)) = (late.iter().min(), late.iter().max()) else {
            continue;
        };
        assert!(*most - *least <= FRAME_US, "in second {second}: {late:?}");
        count += usize::from(late.len() == all.len());
    }
    assert!(count > (SPAN_S - SETTLED_S) as usize * 8 / 10, "{count}");
}

/// The median, and what 95 of 100 are within.
fn sum_up(apart_us: &[i64]) -> (i64, i64) {
    let mut sorted = apart_us.to_vec();
    sorted.sort_unstable();
    let median_us = sorted[sorted.len() / 2];
    sorted.sort_unstable_by_key(|own| own.abs());
    (median_us, sorted[sorted.len() * 95 / 100].abs())
}

/// By how much each moment is later than it was, by second.
fn late_us(shown_us: &[i64], captured_us: &BTreeMap<u64, i64>) -> BTreeMap<u64, i64> {
    let shown = by_second(shown_us, captured_us).into_iter();
    shown
        .map(|(second, own)| (second, own - captured_us[&second]))
        .collect()
}

/// When each moment is shown. What comes to the server is late by less than half a second.
fn by_second(shown_us: &[i64], captured_us: &BTreeMap<u64, i64>) -> BTreeMap<u64, i64> {
    let shown = captured_us.iter().filter_map(|(second, captured_us)| {
        let window_us = captured_us - 300_000..captured_us + 700_000;
        let mut shown = shown_us.iter().copied();
        Some((*second, shown.find(|own| window_us.contains(own))?))
    });
    shown.collect()
}

/// The first of each second.
fn first(all: impl Iterator<Item = BTreeMap<u64, i64>>) -> BTreeMap<u64, i64> {
    let mut first = BTreeMap::new();
    for (second, at_us) in all.flatten() {
        let earliest = first.entry(second).or_insert(at_us);
        *earliest = at_us.min(*earliest);
    }
    first
}

/// Lets somebody with a camera and a microphone join. Clocks of machines and of their parts are not the
/// world's.
fn join(world: &mut World, name: &str, loss: f64, fast_ppm: i32, clips: &Clips) {
    world.ahead = Duration::from_millis(world.rng.random_range(0..7_200_000));
    world.join(name);
    let epoch = world.epoch();
    let link = Link {
        loss,
        delay: Duration::from_millis(world.rng.random_range(10..40)),
        jitter: Duration::from_millis(30),
        ..Link::default()
    };
    let person = world.person(name);
    (person.up.link, person.down.link) = (link, link);
    let mut film = Film::new(Codec::Vp8, Rc::clone(&clips.flash), epoch);
    film.fast_ppm = -fast_ppm / 2;
    person.show(film);
    let mut film = Film::new(Codec::Opus, Rc::clone(&clips.beep), epoch);
    film.fast_ppm = fast_ppm;
    person.show(film);
}

/// What is sent.
struct Clips {
    flash: Rc<[Vec<u8>; 3]>,
    beep: Rc<[Vec<u8>; 3]>,
}

impl Clips {
    fn make() -> Self {
        let mut encoder = VideoEncoder::new(&encoder_settings(SIZE)).expect("an encoder");
        let mut frame = |luma: u8, is_keyframe| {
            let mut picture = Picture::new(SIZE);
            picture.fill(
                Rect::of(SIZE),
                Color {
                    y: luma,
                    u: 128,
                    v: 128,
                },
            );
            let encoded = encoder.encode(0, &picture, is_keyframe);
            encoded.expect("a frame").expect("it is not left out").data
        };
        let (bright, dark, same) = (frame(220, true), frame(20, true), frame(20, false));
        let [silence, beep] = sounds();
        Self {
            flash: Rc::new([dark, bright, same]),
            beep: Rc::new([silence.clone(), beep, silence]),
        }
    }
}

/// 20 ms of silence, and of a tone that follows it, from an encoder as those of browsers: it delays
/// what it is given by 6.5 ms, which the composite makes good.
fn sounds() -> [Vec<u8>; 2] {
    let (channels, used_for) = (Channels::Mono, Application::Voip);
    let mut encoder = opus::Encoder::new(48_000, channels, used_for).expect("an encoder");
    let mut packet = |amplitude: f64| {
        let sample = |at: u32| {
            let turns = 1_000.0 * f64::from(at) / 48_000.0;
            (amplitude * (std::f64::consts::TAU * turns).sin()) as f32
        };
        let samples: Vec<f32> = (0..960).map(sample).collect();
        encoder.encode_vec_float(&samples, 1_276).expect("a packet")
    };
    let silence = (0..10).map(|_| packet(0.000_1)).last();
    [silence.expect("there are ten"), packet(0.7)]
}

fn encoder_settings(size: Size) -> EncoderSettings {
    EncoderSettings {
        codec: codec::Codec::Vp8,
        purpose: codec::Purpose::Live,
        size,
        fps: 30,
        kilobits: 1_000,
        effort: Effort::Normal,
        keyframe_interval: None,
    }
}

/// A recorder that listens in a world, and what it has written.
struct Tape {
    recorder: Recorder,
    zero: Instant,
    heard_until: Instant,
    next_tick: Instant,
    files: BTreeMap<FileId, (String, Vec<u8>)>,
}

impl Tape {
    fn begin(world: &mut World) -> Self {
        let room = world.room().clone();
        let listen = Request::Listen(room.clone(), LISTENER, Purpose::Recording);
        let reply = world.request(listen);
        assert!(matches!(reply, Reply::Done(Ok(()))), "{reply:?}");
        let settings = Settings {
            id: "RC_aQ3kXbW7cT9z".to_owned(),
            room: room.to_string(),
            room_sid: "RM_aQ3kXbW7cT9z".to_owned(),
            wall: world.wall(),
        };
        Self {
            recorder: Recorder::new(world.now, settings),
            zero: world.now,
            heard_until: world.now,
            next_tick: world.now + TICK,
            files: BTreeMap::new(),
        }
    }

    /// Lets time pass, and does what the thread of a recording does meanwhile.
    fn run_for(&mut self, world: &mut World, seconds: u64) {
        let end = world.now + Duration::from_secs(seconds);
        while world.now < end {
            world.run_for(HANDOVER);
            self.hear(world);
            if self.heard_until >= self.next_tick {
                self.next_tick = self.heard_until + TICK;
                self.recorder.handle_timeout(self.heard_until);
            }
            self.recorder.flush();
            for track in self.carry_out() {
                world.request_keyframe(LISTENER, track);
            }
        }
    }

    fn hear(&mut self, world: &mut World) {
        let batches = std::mem::take(world.heard.entry(LISTENER).or_default());
        if batches.is_empty() {
            self.heard_until = world.now;
        }
        for batch in batches {
            recorder::tell(&mut self.recorder, &mut self.heard_until, &batch);
        }
    }

    /// Writes. Returns of which tracks keyframes are wanted.
    fn carry_out(&mut self) -> Vec<u16> {
        let mut wanted = Vec::new();
        while let Some(output) = self.recorder.poll() {
            match output {
                Output::Create(id, path) => _ = self.files.insert(id, (path, Vec::new())),
                Output::Append(id, bytes) => self.bytes(id).extend(bytes),
                Output::Finish(id, finish) => {
                    let bytes = self.bytes(id);
                    bytes.extend(&finish.append);
                    for patch in &finish.patches {
                        let place = patch.offset as usize..;
                        bytes[place][..patch.bytes.len()].copy_from_slice(&patch.bytes);
                    }
                    self.recorder.handle_finished(id, true);
                }
                Output::KeyframeWanted(track) => wanted.push(track),
            }
        }
        wanted
    }

    fn bytes(&mut self, id: FileId) -> &mut Vec<u8> {
        &mut self.files.get_mut(&id).expect("it was created").1
    }

    /// Ends the recording. Its files are in the folder then.
    fn end(mut self, world: &World) -> (Folder, Manifest) {
        self.recorder.end(world.now, End::Stopped);
        self.carry_out();
        let manifest = self.recorder.manifest(world.now);
        let folder = Folder::new();
        let manifest_file = (MANIFEST_NAME.to_owned(), manifest.to_json());
        for (path, bytes) in self.files.into_values().chain([manifest_file]) {
            let path = folder.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
        (folder, manifest)
    }
}

/// When somebody's flashes and beeps were captured, by second, in microseconds of the recording.
#[derive(Debug, Clone)]
struct Moments {
    flashes_us: BTreeMap<u64, i64>,
    beeps_us: BTreeMap<u64, i64>,
}

impl Moments {
    /// Those of everyone.
    fn captured(world: &World, zero: Instant) -> BTreeMap<String, Self> {
        let all = world.people.iter().map(|(name, person)| {
            let moments = |place: usize| {
                let film = person.published[place].film.as_ref().expect("a film");
                let marks = film.marks.iter().filter(|mark| **mark > zero);
                let moment = |mark: &Instant| {
                    let second = mark.duration_since(film.epoch).as_secs();
                    (second, mark.duration_since(zero).as_micros() as i64)
                };
                marks.map(moment).collect()
            };
            let own = Self {
                flashes_us: moments(0),
                beeps_us: moments(1),
            };
            (name.clone(), own)
        });
        all.collect()
    }
}

/// When flashes are seen and beeps heard in files, in microseconds.
#[derive(Debug)]
struct Shown {
    flashes_us: Vec<i64>,
    beeps_us: Vec<i64>,
}

impl Shown {
    /// Those in the files of somebody's tracks.
    fn in_tracks(folder: &Path, manifest: &Manifest, name: &str) -> Self {
        let blocks_of = |is_sound: bool| {
            let files = manifest.files.iter();
            let own = files.filter(|own| own.identity == name && (own.codec == "opus") == is_sound);
            let blocks = own.flat_map(|own| blocks(&folder.join(&own.path), is_sound));
            blocks.collect::<Vec<_>>()
        };
        Self {
            flashes_us: flashes_us(&blocks_of(false), 0),
            beeps_us: beeps_us(&blocks_of(true), Channels::Mono),
        }
    }
}

/// A composite in which everyone has a tile of the camera's size, beside each other.
fn compose<'a>(
    folder: &Path,
    people: impl ExactSizeIterator<Item = &'a String>,
) -> std::path::PathBuf {
    // So many fit without rest.
    const COLUMNS: u32 = 4;
    let width = 1.0 / f64::from(COLUMNS);
    let regions = people.enumerate().map(|(place, name)| {
        let x = place as f64 * width;
        let source = serde_json::json!({ "identity": name });
        serde_json::json!({ "x": x, "y": 0.0, "w": width, "h": 1.0, "source": source })
    });
    let regions = serde_json::Value::Array(regions.collect());
    let first_layout: Layout = serde_json::from_value(regions).expect("a layout");
    let out = folder.join("composite.webm");
    let job = Job {
        recording: folder.to_owned(),
        out: out.clone(),
        layout: None,
        first_layout,
        shows_names: false,
        video: Some(encoder_settings(Size::new(
            COLUMNS * SIZE.width,
            SIZE.height,
        ))),
        has_sound: true,
        threads: 1,
    };
    compose::run(&job, &Progress::default()).expect("a composite");
    out
}

/// A piece of pictures or of sound, and when it is due.
type Piece = (i64, Vec<u8>);

/// The pieces of sound in a file, or of pictures.
fn blocks(path: &Path, of_sound: bool) -> Vec<Piece> {
    let bytes = std::fs::read(path).expect("a file");
    let (mut reader, mut blocks) = (Reader::new(), Vec::new());
    reader.feed(&bytes);
    while let Some(block) = reader.poll().expect("no damage") {
        let header = reader.header().expect("it came before");
        let mut tracks = header.tracks.iter();
        let track = tracks.find(|own| own.number == block.track);
        let is_sound = track.is_some_and(|own| matches!(own.media, Media::Audio(_)));
        if is_sound == of_sound {
            blocks.push((block.pts_us, reader.data().to_vec()));
        }
    }
    blocks
}

/// When it becomes bright in the tile that begins at `x`.
fn flashes_us(frames: &[Piece], x: u32) -> Vec<i64> {
    let mut decoder = VideoDecoder::new(codec::Codec::Vp8).expect("a decoder");
    let (mut picture, mut flashes, mut was_bright) = (Picture::new(SIZE), Vec::new(), false);
    for (pts_us, data) in frames {
        if !decoder.decode(data, &mut picture).expect("a good frame") {
            continue;
        }
        let row = picture.planes()[0].row(SIZE.height as usize / 2);
        let is_bright = row[(x + SIZE.width / 2) as usize] > 120;
        if is_bright && !was_bright {
            flashes.push(*pts_us);
        }
        was_bright = is_bright;
    }
    flashes
}

/// When it becomes loud.
fn beeps_us(packets: &[Piece], channels: Channels) -> Vec<i64> {
    let count = channels as usize;
    let mut decoder = opus::Decoder::new(48_000, channels).expect("a decoder");
    let (mut beeps, mut last_us) = (Vec::new(), i64::MIN);
    for (pts_us, data) in packets {
        let mut samples = vec![0.0_f32; 5_760 * count];
        let decoded = decoder.decode_float(data, &mut samples, false);
        let samples = &samples[..decoded.expect("sound") * count];
        let Some(loud) = samples.iter().position(|own| own.abs() > 0.2) else {
            continue;
        };
        let at_us = pts_us + (loud / count * 1_000 / SAMPLES_PER_MS) as i64;
        // A beep is over by then.
        if at_us > last_us.saturating_add(300_000) {
            beeps.push(at_us);
        }
        last_us = at_us;
    }
    beeps
}
