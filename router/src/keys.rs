//! Keys of what the router holds: indexes into slabs, small and `Copy`.
//!
//! A key is valid until the router says that the thing is gone; after that it may name another.

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The key of an index, of which there are never more than limits allow.
            pub(crate) const fn new(index: usize) -> Self {
                debug_assert!(index <= u32::MAX as usize, "limits keep indexes small");
                Self(index as u32)
            }

            /// The key as an index, for tables beside the router's.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

key! {
    /// A room.
    RoomKey
}
key! {
    /// A participant.
    ParticipantKey
}
key! {
    /// A publication.
    PublicationKey
}
key! {
    /// A subscription.
    SubscriptionKey
}
