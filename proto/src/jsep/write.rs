//! Writing a description. Attributes stand in the order browsers give them (RFC 9429 §5.2.1).

use std::fmt::Write;

use super::description::{Description, Setup, Transport};
use super::read_section::channels;
use super::section::{
    Direction, Extension, Feedback, Format, FormatCodec, RidDirection, Section, SectionKind,
};
use crate::codec::Codec;

/// Bytes of text to expect of a section, of a format and of an extension in it, rather too many.
const SECTION_BYTES: usize = 640;
const FORMAT_BYTES: usize = 128;
const EXTENSION_BYTES: usize = 96;

/// Writes a description.
pub(super) fn write(description: &Description) -> String {
    let sections = description.sections.iter().map(|section| {
        SECTION_BYTES
            + FORMAT_BYTES * section.formats.len()
            + EXTENSION_BYTES * section.extensions.len()
    });
    let mut out = Writer(String::with_capacity(
        SECTION_BYTES + sections.sum::<usize>(),
    ));
    out.session(description);
    let mut is_first = true;
    for section in &description.sections {
        if section.stopped {
            out.stopped(section);
            continue;
        }
        out.media(section);
        out.transport(&description.transport, is_first);
        out.section(section);
        is_first = false;
    }
    out.0
}

struct Writer(String);

impl Writer {
    /// One line, of these parts.
    fn line(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.push_str(part);
        }
        self.0.push_str("\r\n");
    }

    /// One line, formatted.
    fn lines(&mut self, text: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.0.write_fmt(text);
        self.0.push_str("\r\n");
    }

    fn session(&mut self, description: &Description) {
        let origin = description.origin;
        self.line(&["v=0"]);
        self.lines(format_args!(
            "o=- {} {} IN IP4 127.0.0.1",
            origin.id, origin.version
        ));
        self.line(&["s=-"]);
        self.line(&["t=0 0"]);
        if description.has_bundle {
            self.0.push_str("a=group:BUNDLE");
            for section in &description.sections {
                if section.bundled && !section.stopped {
                    self.0.push(' ');
                    self.0.push_str(&section.mid);
                }
            }
            self.line(&[]);
        }
        if description.extmap_allow_mixed {
            self.line(&["a=extmap-allow-mixed"]);
        }
        if description.transport.ice_lite {
            self.line(&["a=ice-lite"]);
        }
    }

    /// A section that is stopped or rejected (RFC 9429 §5.3.1). Its formats do not count, but
    /// there must be one.
    fn stopped(&mut self, section: &Section) {
        let format = match section.kind {
            SectionKind::Application => DATA_CHANNEL,
            SectionKind::Media(_) | SectionKind::Other => "0",
        };
        self.line(&["m=", &section.media, " 0 ", &section.protocol, " ", format]);
        self.line(&["c=IN IP4 0.0.0.0"]);
        self.line(&["a=mid:", &section.mid]);
        self.line(&["a=inactive"]);
    }

    fn media(&mut self, section: &Section) {
        self.0.push_str("m=");
        self.0.push_str(&section.media);
        // The port of discard: the addresses are candidates (RFC 9429 §5.2.1).
        self.0.push_str(" 9 ");
        self.0.push_str(&section.protocol);
        let mut is_empty = true;
        for format in &section.formats {
            if format.codec != FormatCodec::Unknown {
                let _ = write!(self.0, " {}", format.payload_type);
                is_empty = false;
            }
        }
        if section.kind == SectionKind::Application {
            self.line(&[" ", DATA_CHANNEL]);
        } else if is_empty {
            self.line(&[" 0"]);
        } else {
            self.line(&[]);
        }
        self.line(&["c=IN IP4 0.0.0.0"]);
    }

    fn transport(&mut self, transport: &Transport, is_first: bool) {
        if is_first {
            for candidate in &transport.candidates {
                self.line(&["a=", candidate]);
            }
            if transport.end_of_candidates {
                self.line(&["a=end-of-candidates"]);
            }
        }
        self.line(&["a=ice-ufrag:", &transport.ufrag]);
        self.line(&["a=ice-pwd:", &transport.password]);
        if !transport.ice_options.is_empty() {
            self.line(&["a=ice-options:", &transport.ice_options]);
        }
        for fingerprint in &transport.fingerprints {
            self.0.push_str("a=fingerprint:");
            self.0.push_str(&fingerprint.hash);
            for (index, byte) in fingerprint.bytes.iter().enumerate() {
                self.0.push(if index == 0 { ' ' } else { ':' });
                self.hex(byte >> 4);
                self.hex(byte & 0x0F);
            }
            self.line(&[]);
        }
        self.line(&[match transport.setup {
            Setup::ActPass => "a=setup:actpass",
            Setup::Active => "a=setup:active",
            Setup::Passive => "a=setup:passive",
        }]);
    }

    fn hex(&mut self, digit: u8) {
        let digit = char::from_digit(digit.into(), 16).unwrap_or('0');
        self.0.push(digit.to_ascii_uppercase());
    }

    fn section(&mut self, section: &Section) {
        self.line(&["a=mid:", &section.mid]);
        for extension in &section.extensions {
            self.extension(*extension);
        }
        if section.kind == SectionKind::Application {
            return self.channels(section);
        }
        self.line(&["a=", direction(section.direction)]);
        if let Some(msid) = &section.msid {
            match &msid.track {
                Some(track) => self.line(&["a=msid:", &msid.stream, " ", track]),
                None => self.line(&["a=msid:", &msid.stream]),
            }
        }
        if section.rtcp_mux {
            self.line(&["a=rtcp-mux"]);
        }
        if section.rtcp_rsize {
            self.line(&["a=rtcp-rsize"]);
        }
        for format in &section.formats {
            self.format(format);
        }
        self.encodings(section);
        self.streams(section);
    }

    fn extension(&mut self, own: Extension) {
        let uri = own.extension.uri();
        match own.direction {
            Direction::SendRecv => self.lines(format_args!("a=extmap:{} {uri}", own.id)),
            Direction::SendOnly | Direction::RecvOnly | Direction::Inactive => {
                let direction = direction(own.direction);
                self.lines(format_args!("a=extmap:{}/{direction} {uri}", own.id));
            }
        }
    }

    fn channels(&mut self, section: &Section) {
        if let Some(port) = section.sctp_port {
            self.lines(format_args!("a=sctp-port:{port}"));
        }
        if let Some(size) = section.max_message_size {
            self.lines(format_args!("a=max-message-size:{size}"));
        }
    }

    fn format(&mut self, format: &Format) {
        let payload_type = format.payload_type;
        let rate = format.clock_rate_hz;
        match format.codec {
            FormatCodec::Unknown => {}
            FormatCodec::Rtx { apt } => {
                self.lines(format_args!("a=rtpmap:{payload_type} rtx/{rate}"));
                self.lines(format_args!("a=fmtp:{payload_type} apt={apt}"));
            }
            FormatCodec::Media(codec) => {
                let name = encoding(codec);
                match channels(codec) {
                    1 => self.lines(format_args!("a=rtpmap:{payload_type} {name}/{rate}")),
                    n => self.lines(format_args!("a=rtpmap:{payload_type} {name}/{rate}/{n}")),
                }
                for kind in feedback(format.feedback) {
                    self.lines(format_args!("a=rtcp-fb:{payload_type} {kind}"));
                }
                if !format.parameters.is_empty() {
                    let parameters = &format.parameters;
                    self.lines(format_args!("a=fmtp:{payload_type} {parameters}"));
                }
            }
        }
    }

    fn encodings(&mut self, section: &Section) {
        for rid in &section.rids {
            let direction = match rid.direction {
                RidDirection::Send => " send",
                RidDirection::Receive => " recv",
            };
            self.line(&["a=rid:", &rid.name, direction]);
        }
        let (send, receive) = (&section.simulcast.send, &section.simulcast.receive);
        match (send.is_empty(), receive.is_empty()) {
            (true, true) => {}
            (false, true) => self.line(&["a=simulcast:send ", &send.join(";")]),
            (true, false) => self.line(&["a=simulcast:recv ", &receive.join(";")]),
            (false, false) => self.line(&[
                "a=simulcast:send ",
                &send.join(";"),
                " recv ",
                &receive.join(";"),
            ]),
        }
    }

    fn streams(&mut self, section: &Section) {
        for (main, repair) in &section.repairs {
            self.lines(format_args!("a=ssrc-group:FID {main} {repair}"));
        }
        for own in &section.ssrcs {
            self.lines(format_args!("a=ssrc:{} cname:{}", own.ssrc, own.cname));
        }
    }
}

const DATA_CHANNEL: &str = "webrtc-datachannel";

const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}

const fn encoding(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus",
        Codec::Red => "red",
        Codec::Vp8 => "VP8",
        Codec::Vp9 => "VP9",
        Codec::H264 => "H264",
        Codec::Av1 => "AV1",
    }
}

fn feedback(feedback: Feedback) -> impl Iterator<Item = &'static str> {
    [
        (feedback.transport_cc, "transport-cc"),
        (feedback.goog_remb, "goog-remb"),
        (feedback.ccm_fir, "ccm fir"),
        (feedback.nack, "nack"),
        (feedback.nack_pli, "nack pli"),
    ]
    .into_iter()
    .filter_map(|(is_set, kind)| is_set.then_some(kind))
}
