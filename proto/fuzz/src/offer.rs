//! Offers of clients.

use proto::jsep::{MAX_RIDS, MAX_SECTIONS, Offer};

/// An offer that is taken keeps its bounds, and names no address.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(offer) = Offer::parse(text) else {
        return;
    };

    assert!((1..=MAX_SECTIONS).contains(&offer.sections.len()));
    assert!(
        offer
            .text
            .lines()
            .all(|line| !line.starts_with("a=candidate:"))
    );
    for section in &offer.sections {
        assert!((1..=16).contains(&section.mid.len()));
        assert!(section.rids.len() <= MAX_RIDS);
    }
}
