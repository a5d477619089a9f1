//! Every bound of layouts, with what happens beyond it.

/// Most participants of a grid. Beyond it those are shown who spoke last.
pub const MAX_GRID_TILES: usize = 25;
/// Most participants beside a large tile. Beyond it those are shown who spoke last.
pub const MAX_STRIP_TILES: usize = 6;
/// Most regions of a custom layout. More are refused.
pub const MAX_REGIONS: usize = 64;
/// How long somebody else has to be the loudest to get the large tile, in microseconds. Shorter
/// follows a conversation closer, longer leaves a cough unseen.
pub const SPEAKER_HOLD_US: i64 = 1_500_000;
