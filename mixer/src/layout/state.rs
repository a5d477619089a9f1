//! The decision, and what it remembers from one to the next.

use std::cmp::Reverse;
use std::sync::Arc;

use super::focus::Focus;
use super::grid::Shape;
use super::limits::{MAX_GRID_TILES, MAX_STRIP_TILES};
use super::slots::Slots;
use super::speaker::HeldSpeaker;
use super::{
    Connection, CustomLayout, Identity, Layout, LayoutSettings, Participant, Scene, Selector,
};
use crate::picture::{Fit, Rect};

/// A picture and where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Where, in even pixels of the canvas.
    pub region: Rect,
    /// Tiles of more are before those of less; of as much, later ones before earlier ones.
    pub z: i32,
    /// Whose picture.
    pub source: Source,
    /// What is done about other shapes.
    pub fit: Fit,
    /// What the participant is called.
    pub name: Arc<str>,
    /// Whether the name is shown.
    pub shows_name: bool,
    /// Whether it is shown that the microphone is off.
    pub shows_mute: bool,
    /// Whether it is shown that the participant speaks.
    pub is_speaking: bool,
    /// What is to be expected of the source.
    pub video: Video,
}

/// A camera or a screen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Whose.
    pub identity: Identity,
    /// Which of the two.
    pub kind: SourceKind,
}

/// What pictures are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A camera.
    Camera,
    /// A screen.
    Share,
}

/// What is to be expected of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Video {
    /// Pictures.
    On,
    /// None: it is turned off.
    Off,
    /// None at the moment: the participant's connection is lost.
    Interrupted,
}

/// Decides over tiles, and keeps people where they are.
#[derive(Debug)]
pub struct LayoutState {
    settings: LayoutSettings,
    speaker: HeldSpeaker,
    /// Who shares a screen, the latest at the end.
    sharing: Vec<Identity>,
    /// Places of the grid and of custom layouts.
    slots: Slots,
    shape: Shape,
    /// Places of the strip.
    strip: Slots,
}

impl LayoutState {
    /// An empty room.
    pub fn new(settings: LayoutSettings) -> Self {
        Self {
            settings,
            speaker: HeldSpeaker::default(),
            sharing: Vec::new(),
            slots: Slots::default(),
            shape: Shape::default(),
            strip: Slots::default(),
        }
    }

    /// Changes the layout; the speaker stays who it is.
    pub fn set_settings(&mut self, settings: LayoutSettings) {
        self.settings = settings;
    }

    /// What is asked for at the moment.
    pub fn settings(&self) -> &LayoutSettings {
        &self.settings
    }

    /// The tiles of a picture of the room, those behind before those in front of them. Times do not
    /// go back.
    pub fn update(&mut self, at_us: i64, scene: &Scene) -> Vec<Tile> {
        let speaker = self.speaker.update(at_us, scene);
        self.update_sharing(scene);
        self.update_slots(scene);
        let share = self.sharing.last().cloned().map(Source::share);
        let speaker = speaker.map(Source::camera);
        let layout = self.settings.layout.clone();
        match (layout, share) {
            (Layout::AudioOnly, _) => Vec::new(),
            (Layout::Custom(custom), share) => self.custom(&custom, speaker, share, scene),
            (Layout::Single, share) => self.single(share.or(speaker), scene),
            (Layout::Grid, None) => self.grid(scene),
            (Layout::Grid | Layout::Speaker | Layout::Presenter, share) => {
                self.focus(share.or(speaker), scene)
            }
        }
    }

    fn update_sharing(&mut self, scene: &Scene) {
        let shares = |identity: &Identity| {
            let participant = scene.participant(identity);
            participant.is_some_and(|participant| participant.shares_screen)
        };
        self.sharing.retain(shares);
        for participant in &scene.participants {
            if participant.shares_screen && !self.sharing.contains(&participant.identity) {
                self.sharing.push(participant.identity.clone());
            }
        }
    }

    fn update_slots(&mut self, scene: &Scene) {
        let shown = most_recent(scene, MAX_GRID_TILES, |_| true);
        self.slots.update(&shown);
        if matches!(self.settings.layout, Layout::Custom(_)) {
            return;
        }
        let canvas = self.settings.canvas;
        let best = Shape::best(canvas, shown.len());
        let is_as_good = self.shape.tile(canvas) == best.tile(canvas);
        let has_room = self.slots.as_slice().len() <= self.shape.tiles();
        if !is_as_good || !has_room {
            // Where everything moves anyway, nobody minds moving up.
            self.slots.close_ranks();
            self.shape = best;
        }
    }

    fn grid(&self, scene: &Scene) -> Vec<Tile> {
        let slots = self.slots.as_slice();
        let places = self.shape.places(self.settings.canvas, slots.len());
        let tiles = slots.iter().zip(places).filter_map(|(owner, place)| {
            let source = Source::camera(owner.clone()?);
            self.tile(source, place, scene)
        });
        tiles.collect()
    }

    fn single(&self, source: Option<Source>, scene: &Scene) -> Vec<Tile> {
        let all = Rect::of(self.settings.canvas);
        let tile = source.and_then(|source| self.large_tile(source, all, scene));
        Vec::from_iter(tile)
    }

    fn focus(&mut self, large: Option<Source>, scene: &Scene) -> Vec<Tile> {
        let Some(large) = large else {
            return Vec::new();
        };
        let is_screen = large.kind == SourceKind::Share;
        let mut beside = most_recent(scene, MAX_STRIP_TILES, |participant| {
            is_screen || participant.identity != large.identity
        });
        // Who shows something is seen beside it.
        if is_screen && !beside.contains(&large.identity) {
            beside.pop();
            beside.push(large.identity.clone());
        }
        self.strip.update(&beside);
        self.strip.close_ranks();
        let slots = self.strip.as_slice();
        let focus = Focus::new(self.settings.canvas, slots.len());
        let large = self.large_tile(large, focus.large, scene);
        let small = slots.iter().flatten().zip(focus.strip);
        let small = small.filter_map(|(owner, place)| {
            let source = Source::camera(owner.clone());
            self.tile(source, place, scene)
        });
        large.into_iter().chain(small).collect()
    }

    fn custom(
        &self,
        custom: &CustomLayout,
        speaker: Option<Source>,
        share: Option<Source>,
        scene: &Scene,
    ) -> Vec<Tile> {
        let tiles = custom.regions().iter().filter_map(|region| {
            let source = match &region.source {
                Selector::Identity(identity) => Some(Source::camera(identity.as_str().into())),
                Selector::Slot(number) => {
                    let owner = self.slots.as_slice().get(*number);
                    owner.cloned().flatten().map(Source::camera)
                }
                Selector::ActiveSpeaker => speaker.clone(),
                Selector::ScreenShare => share.clone(),
                Selector::Share(number) => self.sharing.get(*number).cloned().map(Source::share),
            };
            let place = region.pixels(self.settings.canvas);
            let tile = self.tile(source?, place, scene)?;
            Some(Tile {
                z: region.z,
                fit: region.fit.unwrap_or(tile.fit),
                ..tile
            })
        });
        let mut tiles: Vec<_> = tiles.collect();
        tiles.sort_by_key(|tile| tile.z);
        tiles
    }

    /// Being large is sign enough of who speaks.
    fn large_tile(&self, source: Source, region: Rect, scene: &Scene) -> Option<Tile> {
        let tile = self.tile(source, region, scene)?;
        Some(Tile {
            is_speaking: false,
            ..tile
        })
    }

    /// `None` if the participant is not there.
    fn tile(&self, source: Source, region: Rect, scene: &Scene) -> Option<Tile> {
        let participant = scene.participant(&source.identity)?;
        let is_camera = source.kind == SourceKind::Camera;
        let is_on = !is_camera || participant.camera.is_some();
        Some(Tile {
            region,
            z: 0,
            fit: if is_camera { Fit::Fill } else { Fit::Contain },
            name: Arc::clone(&participant.name),
            // A screen is full of text already.
            shows_name: self.settings.shows_names && is_camera,
            shows_mute: participant.is_muted && is_camera,
            is_speaking: participant.speaking_level > 0 && is_camera,
            video: match participant.connection {
                Connection::Reconnecting => Video::Interrupted,
                Connection::Connected if is_on => Video::On,
                Connection::Connected => Video::Off,
            },
            source,
        })
    }
}

impl Source {
    /// Somebody's camera.
    pub fn camera(identity: Identity) -> Self {
        let kind = SourceKind::Camera;
        Self { identity, kind }
    }

    /// Somebody's screen.
    pub fn share(identity: Identity) -> Self {
        let kind = SourceKind::Share;
        Self { identity, kind }
    }
}

/// At most `count` who spoke last, in the order of joining.
fn most_recent(
    scene: &Scene,
    count: usize,
    is_wanted: impl Fn(&Participant) -> bool,
) -> Vec<Identity> {
    let wanted = scene.participants.iter().filter(|one| is_wanted(one));
    let mut wanted: Vec<_> = wanted.enumerate().collect();
    if wanted.len() > count {
        wanted.sort_by_key(|(joined, one)| (Reverse(one.last_spoke_us), *joined));
        wanted.truncate(count);
        wanted.sort_by_key(|(joined, _)| *joined);
    }
    let identities = wanted.into_iter().map(|(_, one)| one.identity.clone());
    identities.collect()
}
