//! Samples the threads of this process.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use pprof::{Frames, ProfilerGuardBuilder, Symbol};

use super::message::{Profile, Tables};
use super::name::readable;

/// What a profile should be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Its length.
    pub(super) seconds: u16,
    /// Samples for each second of CPU time.
    pub(super) frequency_hz: u16,
}

/// Samples for as long as wanted. Ends with nothing as soon as `abandoned` has no other end. Blocks.
pub(super) fn record(
    wanted: Wanted,
    abandoned: &Receiver<Infallible>,
) -> pprof::Result<Option<Profile>> {
    let sampling = ProfilerGuardBuilder::default()
        .frequency(wanted.frequency_hz.into())
        .blocklist(&NOT_SAMPLED)
        .build()?;
    let used_before = cpu_time();
    match abandoned.recv_timeout(Duration::from_secs(wanted.seconds.into())) {
        Ok(never) => match never {},
        Err(RecvTimeoutError::Disconnected) => return Ok(None),
        Err(RecvTimeoutError::Timeout) => {}
    }
    let used = cpu_time().saturating_sub(used_before);
    let report = sampling.report().build_unresolved()?;
    // Before names are looked up, which takes locks and time, and is nothing to be sampled.
    drop(sampling);

    let mut tables = Tables::new(wanted.frequency_hz);
    #[expect(
        clippy::iter_over_hash_type,
        reason = "the order of samples means nothing"
    )]
    for (stack, count) in report.data {
        let stack = Frames::from(stack);
        let frames = stack.frames.iter().skip_while(|frame| is_sampler(frame));
        tables.add(&stack.thread_name, frames, count as i64);
    }
    Ok(Some(tables.finish(
        report.timing.start_time,
        report.timing.duration,
        used,
    )))
}

/// Libraries in which no sample is taken, by parts of their names: in the first three a thread may
/// hold a lock that walking its stack wants as well, and what the last one says about its stack may
/// be wrong (README of the `pprof` crate, "Backtrace").
const NOT_SAMPLED: [&str; 4] = ["libc.so", "libgcc_s", "libpthread", "vdso"];

/// Whether this is a function that takes the sample: they are on the stack as well.
fn is_sampler(frame: &[Symbol]) -> bool {
    frame.iter().any(|symbol| {
        let name = readable(symbol);
        name.starts_with("backtrace::") || name.starts_with("pprof::")
    })
}

/// CPU time this process has used, in its own code and in the kernel; none if that is not told.
fn cpu_time() -> Duration {
    fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| read_cpu_time(&stat))
        .unwrap_or_default()
}

/// Adds up `utime` and `stime` of proc_pid_stat(5), the fields 14 and 15.
fn read_cpu_time(stat: &str) -> Option<Duration> {
    /// Milliseconds of a clock tick: `USER_HZ` is 100 on every architecture we build for.
    const TICK_MS: u64 = 10;
    // The second field is the name of the program in parentheses, and may hold anything.
    let (_, from_third) = stat.rsplit_once(')')?;
    let mut times = from_third.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * TICK_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_program_name() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194560 900 0 3 0 150 25 0 0 20 0 5 0 77 1 2\n";

        assert_eq!(read_cpu_time(stat), Some(Duration::from_millis(1750)));
        assert_eq!(read_cpu_time("42 (a) S 1"), None);
    }
}
