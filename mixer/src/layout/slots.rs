//! Places that people keep.

use super::Identity;

/// Who has which place. A place whose owner has left stays empty until somebody else comes.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Option<Identity>>);

impl Slots {
    /// Takes the places of those who are not shown any more, and gives places to those who are
    /// newly shown: empty ones first, and then further ones.
    pub(super) fn update(&mut self, shown: &[Identity]) {
        for slot in &mut self.0 {
            if slot.as_ref().is_some_and(|owner| !shown.contains(owner)) {
                *slot = None;
            }
        }
        for identity in shown {
            if self.0.iter().flatten().any(|owner| owner == identity) {
                continue;
            }
            match self.0.iter_mut().find(|slot| slot.is_none()) {
                Some(slot) => *slot = Some(identity.clone()),
                None => self.0.push(Some(identity.clone())),
            }
        }
    }

    /// Moves everybody forward over empty places.
    pub(super) fn close_ranks(&mut self) {
        self.0.retain(Option::is_some);
    }

    pub(super) fn as_slice(&self) -> &[Option<Identity>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stays_keeps_the_place() {
        let mut slots = Slots::default();
        slots.update(&["a", "b", "c"].map(Identity::from));

        slots.update(&["a", "c"].map(Identity::from));
        assert_eq!(owners(&slots), ["a", "", "c"]);
        slots.update(&["a", "c", "d", "e"].map(Identity::from));
        assert_eq!(owners(&slots), ["a", "d", "c", "e"]);
        slots.update(&["c", "e"].map(Identity::from));
        slots.close_ranks();
        assert_eq!(owners(&slots), ["c", "e"]);
    }

    fn owners(slots: &Slots) -> Vec<&str> {
        let owners = slots.as_slice().iter();
        owners
            .map(|slot| slot.as_ref().map_or("", Identity::as_str))
            .collect()
    }
}
