//! A profile as pprof's tools read it: `proto/profile.proto` of github.com/google/pprof.
//!
//! The `pprof` crate can write these messages too, but it brings a `prost` of its own for that, and
//! keeps one line for each function: which call in it was the dear one would be lost.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pprof::Symbol;
use prost::Message;

use super::name::readable;

/// The whole. Fields of type `i64` that mean a text are its index in `string_table`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    pub(super) sample: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<Mapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
}

/// What is measured, and its unit.
#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

/// A stack, innermost location first, with how often it was met and what that is in CPU time.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<Label>,
}

/// Something else known about a sample: its thread.
#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
}

/// A binary. There is one, which says that there are no names left to be looked up.
#[derive(Clone, PartialEq, Message)]
struct Mapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "5")]
    filename: i64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
    #[prost(bool, tag = "8")]
    has_filenames: bool,
    #[prost(bool, tag = "9")]
    has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    has_inline_frames: bool,
}

/// A place in the program: a line, and before it those that were inlined there.
#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

/// A line of a function.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// The bytes that `go tool pprof` and its like open.
pub(super) fn encode(profile: &Profile) -> Vec<u8> {
    profile.encode_to_vec()
}

impl Profile {
    /// What it tells of itself.
    pub(super) fn summary(&self) -> &str {
        self.comment.first().map_or("", |text| self.text(*text))
    }

    /// Names on the way to a sample: its thread, then functions from the outermost on.
    pub(super) fn path<'a>(&'a self, sample: &'a Sample) -> impl Iterator<Item = &'a str> {
        let thread = sample.label.iter().map(|label| self.text(label.text));
        let functions = sample.location_id.iter().rev().flat_map(|id| {
            let location = find(&self.location, *id);
            let lines = location.map_or(&[][..], |location| &location.line);
            lines
                .iter()
                .rev()
                .filter_map(|line| Some(self.text(find(&self.function, line.function_id)?.name)))
        });
        thread.chain(functions)
    }

    fn text(&self, index: i64) -> &str {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.string_table.get(index))
            .map_or("", String::as_str)
    }
}

impl Sample {
    /// How often it was met.
    pub(super) fn count(&self) -> i64 {
        self.value.first().copied().unwrap_or_default()
    }
}

/// Ids count from 1, because 0 means none.
fn find<T>(table: &[T], id: u64) -> Option<&T> {
    table.get(usize::try_from(id).ok()?.checked_sub(1)?)
}

/// Makes a [`Profile`] in which each text, function and location stands once.
#[derive(Debug)]
pub(super) struct Tables {
    profile: Profile,
    texts: HashMap<String, i64>,
    functions: HashMap<String, u64>,
    locations: HashMap<Vec<Line>, u64>,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Tables {
    /// An empty profile of so many samples for each second of CPU time.
    pub(super) fn new(frequency_hz: u16) -> Self {
        let mut tables = Self {
            profile: Profile::default(),
            texts: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
        };
        // The format wants the empty text first.
        tables.text("");
        let samples = ValueType {
            kind: tables.text("samples"),
            unit: tables.text("count"),
        };
        let cpu = ValueType {
            kind: tables.text("cpu"),
            unit: tables.text("nanoseconds"),
        };
        let binary = Mapping {
            id: BINARY,
            filename: tables.text("plenary"),
            has_functions: true,
            has_filenames: true,
            has_line_numbers: true,
            has_inline_frames: true,
        };
        tables.profile.mapping.push(binary);
        tables.profile.period = NANOS_PER_SECOND / i64::from(frequency_hz.max(1));
        tables.profile.period_type = Some(cpu.clone());
        tables.profile.sample_type = vec![samples, cpu];
        tables
    }

    /// Adds a stack of a thread, innermost frame first, that was met so often.
    pub(super) fn add<'a>(
        &mut self,
        thread: &str,
        frames: impl Iterator<Item = &'a Vec<Symbol>>,
        count: i64,
    ) {
        let location_id = frames.map(|frame| self.location(frame)).collect();
        let label = Label {
            key: self.text("thread"),
            text: self.text(thread),
        };
        self.profile.sample.push(Sample {
            location_id,
            value: vec![count, count * self.profile.period],
            label: vec![label],
        });
    }

    /// The profile, taken from `started` on, while the process used so much CPU time.
    pub(super) fn finish(
        mut self,
        started: SystemTime,
        duration: Duration,
        used: Duration,
    ) -> Profile {
        let samples: i64 = self.profile.sample.iter().map(Sample::count).sum();
        let shown = (samples * self.profile.period) as f64 / NANOS_PER_SECOND as f64;
        let summary = format!(
            "In {:.0} s the process used {:.1} s of CPU time; {samples} samples show {shown:.1} s of it",
            duration.as_secs_f64(),
            used.as_secs_f64(),
        );
        let summary = self.text(&summary);
        self.profile.comment.push(summary);
        self.profile.time_nanos = nanos(started.duration_since(UNIX_EPOCH).unwrap_or_default());
        self.profile.duration_nanos = nanos(duration);
        self.profile
    }

    fn location(&mut self, frame: &[Symbol]) -> u64 {
        let line: Vec<Line> = frame
            .iter()
            .map(|symbol| Line {
                function_id: self.function(symbol),
                line: symbol.lineno().into(),
            })
            .collect();
        if let Some(id) = self.locations.get(&line) {
            return *id;
        }
        let id = next_id(&self.profile.location);
        self.locations.insert(line.clone(), id);
        self.profile.location.push(Location {
            id,
            mapping_id: BINARY,
            line,
        });
        id
    }

    fn function(&mut self, symbol: &Symbol) -> u64 {
        let name = readable(symbol);
        if let Some(id) = self.functions.get(&name) {
            return *id;
        }
        let id = next_id(&self.profile.function);
        let function = Function {
            id,
            name: self.text(&name),
            filename: self.text(&symbol.filename()),
        };
        self.functions.insert(name, id);
        self.profile.function.push(function);
        id
    }

    fn text(&mut self, text: &str) -> i64 {
        if let Some(index) = self.texts.get(text) {
            return *index;
        }
        let index = self.profile.string_table.len() as i64;
        self.texts.insert(text.to_owned(), index);
        self.profile.string_table.push(text.to_owned());
        index
    }
}

const BINARY: u64 = 1;

fn next_id<T>(table: &[T]) -> u64 {
    table.len() as u64 + 1
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn a_stack_that_comes_again_adds_no_second_text() {
        let mut tables = Tables::new(100);
        let frames = [
            vec![symbol("send", 7), symbol("flush", 40)],
            vec![symbol("run", 12)],
        ];
        tables.add("media-0", frames.iter(), 3);
        let before = tables.profile.string_table.len();

        tables.add("media-0", frames.iter(), 2);
        let profile = tables.finish(UNIX_EPOCH, Duration::from_secs(1), Duration::from_secs(2));

        // One more for the summary.
        assert_eq!(profile.string_table.len(), before + 1);
        assert_eq!((profile.location.len(), profile.function.len()), (2, 3));
        assert_eq!(profile.string_table[0], "");
        assert_eq!(profile.sample[0].location_id, [1, 2]);
        assert_eq!(profile.sample[0].value, [3, 30_000_000]);
        assert_eq!(
            profile.path(&profile.sample[1]).collect::<Vec<_>>(),
            ["media-0", "run", "flush", "send"]
        );
        assert_eq!(
            Profile::decode(encode(&profile).as_slice()).unwrap(),
            profile
        );
    }

    #[test]
    fn two_lines_of_a_function_are_two_locations() {
        let mut tables = Tables::new(100);

        tables.add("a", [vec![symbol("run", 1)]].iter(), 1);
        tables.add("a", [vec![symbol("run", 2)]].iter(), 1);

        let profile = tables.profile;
        assert_eq!((profile.location.len(), profile.function.len()), (2, 1));
    }

    #[test]
    fn the_summary_says_what_is_not_shown() {
        let mut tables = Tables::new(10);
        tables.add("a", [].iter(), 25);

        let profile = tables.finish(
            UNIX_EPOCH,
            Duration::from_millis(10_004),
            Duration::from_secs(4),
        );

        assert_eq!(
            profile.summary(),
            "In 10 s the process used 4.0 s of CPU time; 25 samples show 2.5 s of it"
        );
    }

    pub(in super::super) fn symbol(name: &str, line: u32) -> Symbol {
        Symbol {
            name: Some(name.into()),
            addr: None,
            lineno: Some(line),
            filename: None,
        }
    }
}
