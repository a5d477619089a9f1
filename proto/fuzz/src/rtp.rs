//! RTP headers and their extensions.

use proto::media::extension::{ExtensionIds, HeaderExtension};
use proto::media::rtp::{FixedHeader, Header, HeaderWriter, is_rtcp};

/// Readers stay inside their input, and what is written again reads the same.
pub fn run(data: &[u8]) {
    let _ = is_rtcp(data);
    let Some(header) = Header::parse(data) else {
        return;
    };
    assert!(header.bytes <= data.len());
    if let Some(payload) = header.payload_range(data, data.len()) {
        assert!(payload.start == header.bytes && payload.end <= data.len());
    }
    let mut ids = ExtensionIds::default();
    for (id, extension) in (1..).zip(HeaderExtension::ALL) {
        ids.insert(id, extension);
    }
    let _ = ids.read(header.elements(data));

    let fixed = FixedHeader {
        marker: header.marker,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
    };
    let mut writer = HeaderWriter::new(fixed, true);
    let mut bytes = 0;
    let mut kept = Vec::new();
    for (id, value) in header.elements(data) {
        bytes += 2 + value.len();
        if bytes <= 300 {
            writer.element(id, value);
            kept.push((id, value));
        }
    }
    let written = writer.finish();
    let again = Header::parse(written).expect("what was written");
    let elements: Vec<_> = again.elements(written).collect();
    assert_eq!(elements, kept);
    assert_eq!(again.bytes, written.len());
}
