//! One picture drawn into another.

use super::i420::part_of_plane;
use super::rotate::rotate;
use super::{Fit, Picture, Rect, Rotation, Scaler};

/// Draws pictures into others, and keeps the memory that it needs for that.
#[derive(Debug, Default)]
pub struct Placer {
    scaler: Scaler,
    turned: Picture,
}

impl Placer {
    /// Draws a picture into a region of the canvas, and tells which part of the region it fills.
    pub fn draw(
        &mut self,
        canvas: &mut Picture,
        picture: &Picture,
        rotation: Rotation,
        fit: Fit,
        region: Rect,
    ) -> Rect {
        let region = region.clipped(canvas.size());
        // Turning is the dearer the more pixels there are, so it comes after scaling. Everything is
        // in the middle, so the part of the turned picture is the turned part.
        let shown = fit.place(rotation.apply(picture.size()), region);
        let part = Rect::of(picture.size()).centered(rotation.apply(shown.part.size()));
        if rotation != Rotation::None {
            self.turned.resize(rotation.apply(shown.place.size()));
        }
        let turned = self.turned.planes_mut();
        let planes = canvas.planes_mut().iter_mut().zip(picture.planes());
        for (index, ((target, source), turned)) in planes.zip(turned).enumerate() {
            let source = source.window(part_of_plane(index, part));
            let mut target = target.window_mut(part_of_plane(index, shown.place));
            if rotation == Rotation::None {
                self.scaler.scale_window(source, &mut target);
            } else {
                let whole = part_of_plane(index, Rect::of(rotation.apply(shown.place.size())));
                self.scaler
                    .scale_window(source, &mut turned.window_mut(whole));
                rotate(turned, rotation, &mut target);
            }
        }
        shown.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Color, Size};

    #[test]
    fn a_turned_picture_has_its_top_at_the_side() {
        let mut picture = Picture::new(Size::new(40, 20));
        picture.fill(Rect::new(0, 0, 40, 10), Color::WHITE);
        let mut canvas = Picture::new(Size::new(20, 40));
        let all = Rect::new(0, 0, 20, 40);
        let mut placer = Placer::default();

        let place = placer.draw(&mut canvas, &picture, Rotation::Quarter, Fit::Fill, all);

        assert_eq!(place, all);
        assert_eq!(canvas.planes()[0].row(20)[0], Color::BLACK.y);
        assert_eq!(canvas.planes()[0].row(20)[19], Color::WHITE.y);
    }

    #[test]
    fn odd_pictures_fill_odd_canvases() {
        let mut picture = Picture::new(Size::new(161, 91));
        picture.fill(Rect::of(picture.size()), Color::WHITE);
        let mut placer = Placer::default();
        for rotation in [
            Rotation::None,
            Rotation::Quarter,
            Rotation::Half,
            Rotation::ThreeQuarters,
        ] {
            let mut canvas = Picture::new(Size::new(81, 81));

            let place = placer.draw(
                &mut canvas,
                &picture,
                rotation,
                Fit::Contain,
                Rect::new(0, 0, 81, 81),
            );

            let white = canvas.planes()[0].samples().iter().filter(|&&y| y == 235);
            assert_eq!(white.count() as u32, place.width * place.height);
        }
    }
}
