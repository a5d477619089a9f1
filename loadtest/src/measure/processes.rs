//! What processes have spent, by `/proc`.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use procfs::process::Process;

/// Processes that are watched together, with all their descendants.
#[derive(Debug, Clone)]
pub struct Processes {
    roots: Vec<i32>,
    ticks_per_second: f64,
}

/// What they have spent since they were started, and hold at present.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// CPU seconds in user mode.
    pub user_s: f64,
    /// CPU seconds in the kernel.
    pub system_s: f64,
    /// Resident memory, in bytes.
    pub rss_bytes: u64,
    /// Context switches of all threads, wanted and unwanted.
    pub context_switches: u64,
}

impl Usage {
    /// CPU seconds in all.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

impl Processes {
    /// Watches these.
    ///
    /// # Errors
    /// One of them is not there, or may not be looked at.
    pub fn watch(pids: &[u32]) -> Result<Self> {
        let watched = Self {
            roots: pids.iter().map(|pid| *pid as i32).collect(),
            ticks_per_second: procfs::ticks_per_second() as f64,
        };
        for pid in &watched.roots {
            Process::new(*pid)
                .and_then(|process| process.stat())
                .with_context(|| format!("cannot watch the process {pid}"))?;
        }
        Ok(watched)
    }

    /// The tester's own process.
    ///
    /// # Errors
    /// There is no `/proc`.
    pub fn own() -> Result<Self> {
        Self::watch(&[std::process::id()])
    }

    /// The processes named at the start, without descendants.
    pub fn pids(&self) -> Vec<u32> {
        self.roots.iter().map(|pid| *pid as u32).collect()
    }

    /// What they have spent. Those that have ended count no longer.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for pid in self.all() {
            if let Ok(process) = Process::new(pid) {
                self.add(&process, &mut usage);
            }
        }
        usage
    }

    fn add(&self, process: &Process, usage: &mut Usage) {
        let Ok(stat) = process.stat() else { return };
        usage.user_s += stat.utime as f64 / self.ticks_per_second;
        usage.system_s += stat.stime as f64 / self.ticks_per_second;
        usage.rss_bytes += stat.rss * procfs::page_size();
        for task in process.tasks().into_iter().flatten().flatten() {
            if let Ok(status) = task.status() {
                usage.context_switches += status.voluntary_ctxt_switches.unwrap_or(0)
                    + status.nonvoluntary_ctxt_switches.unwrap_or(0);
            }
        }
    }

    /// The roots and their descendants.
    fn all(&self) -> BTreeSet<i32> {
        let mut family: BTreeSet<i32> = self.roots.iter().copied().collect();
        let parents: Vec<(i32, i32)> = procfs::process::all_processes()
            .into_iter()
            .flatten()
            .filter_map(|process| process.ok()?.stat().ok())
            .map(|stat| (stat.pid, stat.ppid))
            .collect();
        loop {
            let before = family.len();
            let children = parents.iter().filter(|(_, parent)| family.contains(parent));
            let children: Vec<i32> = children.map(|(pid, _)| *pid).collect();
            family.extend(children);
            if family.len() == before {
                return family;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_not_there_is_named() {
        // Above the largest number Linux gives out.
        let error = Processes::watch(&[5_000_000]).expect_err("nobody there");

        assert!(error.to_string().contains("5000000"), "{error}");
    }

    #[test]
    fn work_takes_time_and_memory() {
        let own = Processes::own().expect("/proc");
        let before = own.usage();

        // At least one tick of the clock that counts CPU time.
        let mut work = 1_u64;
        while own.usage().cpu_s() <= before.cpu_s() {
            work = work.wrapping_mul(3).rotate_left(7);
        }

        assert!(own.usage().rss_bytes > 0, "{work}");
    }
}
