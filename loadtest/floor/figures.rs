//! What comes out.

use std::fmt;
use std::time::Instant;

use loadtest::measure::{Processes, Usage};

use super::forward::Sent;
use super::receive::Received;

/// Share of a core's time above which the forwarder cannot be in time.
const BUSY: f64 = 0.95;

/// How things stand at some time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    at: Instant,
    forwarder: Usage,
    received: Received,
}

impl Mark {
    pub(crate) fn now(forwarder: &Processes, received: Received) -> Self {
        Self {
            at: Instant::now(),
            forwarder: forwarder.usage(),
            received,
        }
    }
}

/// What was measured, and all there was.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) begin: Mark,
    pub(crate) end: Mark,
    pub(crate) sent: Sent,
    pub(crate) received: Received,
}

impl Figures {
    /// Whether the forwarder did its work, and the receivers theirs.
    pub(crate) fn are_sound(&self) -> bool {
        let is_all = self.received.packets == self.sent.packets + self.sent.refused;
        is_all && self.received.wrong == 0 && self.busy() < BUSY
    }

    fn span_s(&self) -> f64 {
        self.end.at.duration_since(self.begin.at).as_secs_f64()
    }

    fn packets(&self) -> f64 {
        (self.end.received.packets - self.begin.received.packets).max(1) as f64
    }

    fn user_s(&self) -> f64 {
        self.end.forwarder.user_s - self.begin.forwarder.user_s
    }

    fn system_s(&self) -> f64 {
        self.end.forwarder.system_s - self.begin.forwarder.system_s
    }

    fn busy(&self) -> f64 {
        (self.user_s() + self.system_s()) / self.span_s()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packets = self.packets();
        let us = |seconds: f64| seconds * 1e6 / packets;
        let (user_us, system_us) = (us(self.user_s()), us(self.system_s()));
        let sent = self.sent;
        let mut line = |name: &str, value: String| writeln!(f, "{name:28}{value}");
        line(
            "floor CPU per packet",
            format!(
                "{:.2} us, {system_us:.2} us in the kernel",
                user_us + system_us
            ),
        )?;
        line(
            "packets a second",
            format!("{:.0}", packets / self.span_s()),
        )?;
        line(
            "packets in a message",
            format!("{:.2}", sent.packets as f64 / sent.messages.max(1) as f64),
        )?;
        line(
            "forwarder's core",
            format!("{:.0} % busy", self.busy() * 100.0),
        )?;
        line(
            "received",
            format!(
                "{} of {}, {} wrong",
                self.received.packets,
                sent.packets + sent.refused,
                self.received.wrong
            ),
        )?;
        if !self.are_sound() {
            line(
                "WARNING",
                "not all was well; the figures are not worth much".into(),
            )?;
        }
        Ok(())
    }
}
