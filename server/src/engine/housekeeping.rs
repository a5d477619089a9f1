//! What is looked at once a second: who has not come, who has gone without a word, whose token
//! ages, which room is empty.

use std::time::{Duration, Instant};

use proto::signal::messages::DisconnectReason;
use router::{ParticipantKey, RoomKey};

use super::Engine;
use super::limits::{CONNECT_DEADLINE, DEAD_GRACE, PATH_GRACE, SIGNAL_GRACE, TOKEN_REFRESH};
use super::peer::Life;

/// How often to look. Deadlines here are tens of seconds, so a second more is none.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// How often participants are told how connections do.
const QUALITY_INTERVAL_S: u64 = 5;

impl Engine {
    pub(super) fn keep_house(&mut self, now: Instant) {
        let rooms: Vec<RoomKey> = self.room_names.values().copied().collect();
        let tells_quality = now
            .saturating_duration_since(self.started)
            .as_secs()
            .is_multiple_of(QUALITY_INTERVAL_S);
        for room in rooms {
            for key in self.router.room(room).participants().to_vec() {
                self.look_after(now, key);
            }
            if tells_quality {
                self.tell_connection_quality(room);
            }
        }
        self.look_after_rooms(now);
        self.handle_router_events(now);
    }

    fn look_after(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer(key) else { return };
        if let Some(reason) = overdue(now, peer.life) {
            return self.end_stay(now, key, reason);
        }
        if now.saturating_duration_since(peer.life.token_sent) >= TOKEN_REFRESH {
            self.refresh_token(now, key);
        }
        self.match_tracks(now, key, true);
        self.ask_for_sections(now, key);
    }
}

/// Why a participant is given up, if it is.
fn overdue(now: Instant, life: Life) -> Option<DisconnectReason> {
    let since = |at: Instant| now.saturating_duration_since(at);
    let no_path = life.path_lost.map(since);
    let no_signal = life.signal_lost.map(since);
    if !life.connected && since(life.joined) >= CONNECT_DEADLINE {
        return Some(DisconnectReason::JoinFailure);
    }
    if no_path.is_some_and(|span| span >= PATH_GRACE) {
        return Some(DisconnectReason::ConnectionTimeout);
    }
    if no_signal.is_some_and(|span| span >= SIGNAL_GRACE) {
        return Some(DisconnectReason::SignalClose);
    }
    let is_dead = no_path.is_some_and(|span| span >= DEAD_GRACE);
    (is_dead && no_signal.is_some_and(|span| span >= DEAD_GRACE))
        .then_some(DisconnectReason::ConnectionTimeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn gives_up_on_those_who_have_gone() {
        let joined = Instant::now();
        let at = |seconds| joined + Duration::from_secs(seconds);
        let life = Life {
            joined,
            connected: true,
            path_lost: None,
            signal_lost: None,
            token_sent: joined,
        };

        assert_eq!(overdue(at(1_000), life), None);
        assert_eq!(
            overdue(
                at(60),
                Life {
                    connected: false,
                    ..life
                }
            ),
            Some(DisconnectReason::JoinFailure)
        );
        assert_eq!(
            overdue(
                at(19),
                Life {
                    path_lost: Some(joined),
                    ..life
                }
            ),
            None
        );
        let path_lost = Life {
            path_lost: Some(joined),
            ..life
        };
        assert_eq!(
            overdue(at(20), path_lost),
            Some(DisconnectReason::ConnectionTimeout)
        );
        let both = Life {
            signal_lost: Some(joined),
            ..path_lost
        };
        assert_eq!(
            overdue(at(10), both),
            Some(DisconnectReason::ConnectionTimeout)
        );
        let signal_lost = Life {
            signal_lost: Some(joined),
            ..life
        };
        assert_eq!(
            overdue(at(40), signal_lost),
            Some(DisconnectReason::SignalClose)
        );
    }
}
