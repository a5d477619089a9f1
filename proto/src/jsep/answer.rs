//! Writing the server's answer.

use crate::ids::{ParticipantSid, TrackSid};

/// What a section of the answer carries to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionAnswer {
    /// Data channels, or a track of the client's own: nothing to change.
    Keep,
    /// Nothing at present.
    Inactive,
    /// A track of another participant.
    Sends {
        /// Who publishes it.
        publisher: ParticipantSid,
        /// The track.
        track: TrackSid,
    },
}

/// The session's first answer, to be given its tracks.
///
/// SDKs find a received track's publication by its stream id `PA_x|TR_y`, so every section that
/// sends gets that, and sections that send nothing must not name a stream at all.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The answer the session made.
    pub text: &'a str,
    /// ICE credentials to name instead of the session's own first ones, after an ICE restart.
    pub credentials: Option<(&'a str, &'a str)>,
}

impl Answer<'_> {
    /// Rewrites the answer, section by section in order; sections without an entry are kept.
    pub fn render(&self, sections: &[SectionAnswer]) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut current = None;
        let mut next_section = sections.iter();
        for line in self.text.lines() {
            if line.starts_with("m=") {
                current = next_section.next();
            }
            self.render_line(line, current, &mut out);
        }
        out
    }

    fn render_line(&self, line: &str, section: Option<&SectionAnswer>, out: &mut String) {
        let (ufrag, password) = self.credentials.unzip();
        let replaced = match line.split_once(':').unwrap_or((line, "")) {
            ("a=ice-ufrag", _) => ufrag.map(|ufrag| format!("a=ice-ufrag:{ufrag}")),
            ("a=ice-pwd", _) => password.map(|password| format!("a=ice-pwd:{password}")),
            // A candidate that names another user name fragment is ignored by clients; without
            // one it belongs to the description's.
            ("a=candidate", _) => line.find(" ufrag ").map(|end| line[..end].to_owned()),
            ("a=msid-semantic", _) => return,
            ("a=msid", _) => match section {
                Some(SectionAnswer::Sends { publisher, track }) => {
                    Some(format!("a=msid:{publisher}|{track} {track}"))
                }
                Some(SectionAnswer::Inactive) => return,
                Some(SectionAnswer::Keep) | None => None,
            },
            ("a=ssrc", value) => match section {
                // RFC 5576: the cname stays, the stream is named once, by a=msid.
                Some(SectionAnswer::Sends { .. }) if value.contains(" msid:") => return,
                Some(SectionAnswer::Inactive) => return,
                _ => None,
            },
            ("a=ssrc-group", _) if section == Some(&SectionAnswer::Inactive) => return,
            ("a=sendrecv" | "a=sendonly" | "a=recvonly" | "a=inactive", _) => match section {
                Some(SectionAnswer::Sends { .. }) => Some("a=sendonly".to_owned()),
                Some(SectionAnswer::Inactive) => Some("a=inactive".to_owned()),
                Some(SectionAnswer::Keep) | None => None,
            },
            _ => None,
        };
        out.push_str(replaced.as_deref().unwrap_or(line));
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    const ANSWER: &str = "v=0\r\na=msid-semantic:WMS x\r\nm=audio 9 a 111\r\na=mid:0\r\na=ice-ufrag:old\r\n\
        a=candidate:1 1 udp 1 10.0.0.1 7882 typ host ufrag old\r\n\
        a=sendonly\r\na=msid:x y\r\na=ssrc:1 cname:c\r\na=ssrc:1 msid:x y\r\n";

    #[test]
    fn names_the_track_a_section_carries() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (publisher, track) = (ParticipantSid::random(&mut rng), TrackSid::random(&mut rng));
        let answer = Answer {
            text: ANSWER,
            credentials: Some(("new", "secret")),
        };

        let text = answer.render(&[SectionAnswer::Sends {
            publisher: publisher.clone(),
            track: track.clone(),
        }]);

        assert!(text.contains(&format!("a=msid:{publisher}|{track} {track}\r\n")));
        assert!(text.contains("a=ice-ufrag:new\r\n"));
        assert!(text.contains("a=ssrc:1 cname:c\r\n"));
        assert!(text.contains("a=candidate:1 1 udp 1 10.0.0.1 7882 typ host\r\n"));
        assert!(!text.contains("x y"));
    }

    #[test]
    fn keeps_silent_about_streams_in_an_unused_section() {
        let answer = Answer {
            text: ANSWER,
            credentials: None,
        };

        let text = answer.render(&[SectionAnswer::Inactive]);

        assert!(text.contains("a=inactive\r\n") && text.contains("a=ice-ufrag:old\r\n"));
        assert!(!text.contains("msid") && !text.contains("ssrc"));
    }
}
