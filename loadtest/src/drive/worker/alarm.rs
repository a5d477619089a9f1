//! Wakes a driver on time.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// A timer of the kernel's that ends a wait. The wait's own timeout counts whole milliseconds, so
/// that everything due in one would be sent in a burst, which no conference of real people makes.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    set_for: Option<Instant>,
}

impl Alarm {
    /// An alarm that ends waits with `token`.
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let source = timer.as_raw_fd();
        registry.register(&mut SourceFd(&source), token, Interest::READABLE)?;
        Ok(Self {
            timer,
            set_for: None,
        })
    }

    /// Sets it for an instant, and for no other.
    pub(super) fn set(&mut self, now: Instant, at: Instant) -> io::Result<()> {
        if self.set_for == Some(at) && at > now {
            return Ok(());
        }
        // Nought would stop the timer.
        let span = at
            .saturating_duration_since(now)
            .max(Duration::from_nanos(1));
        let nothing = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let setting = Itimerspec {
            it_interval: nothing,
            it_value: Timespec {
                tv_sec: span.as_secs() as i64,
                tv_nsec: span.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &setting)?;
        self.set_for = Some(at);
        Ok(())
    }
}
