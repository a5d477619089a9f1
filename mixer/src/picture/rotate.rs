//! Turned planes.

use super::Rotation;
use super::i420::{Plane, WindowMut};

/// Copies a plane, turned clockwise. The target has the size of the plane when turned.
pub(super) fn rotate(source: &Plane, rotation: Rotation, target: &mut WindowMut<'_>) {
    let (width, height) = (source.width(), source.height());
    for row in 0..target.height {
        let out = target.row_mut(row);
        match rotation {
            Rotation::None => out.copy_from_slice(source.row(row)),
            Rotation::Half => {
                out.copy_from_slice(source.row(height - 1 - row));
                out.reverse();
            }
            Rotation::Quarter => copy_column(source, row, out.iter_mut().rev()),
            Rotation::ThreeQuarters => copy_column(source, width - 1 - row, out.iter_mut()),
        }
    }
}

fn copy_column<'a>(source: &Plane, column: usize, out: impl Iterator<Item = &'a mut u8>) {
    let samples = source.samples().iter().skip(column).step_by(source.width());
    for (out, sample) in out.zip(samples) {
        *out = *sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Size;
    use crate::picture::i420::Part;

    #[test]
    fn turns_clockwise() {
        let mut source = Plane::default();
        source.resize(3, 2);
        source.copy_from(&[1, 2, 3, 4, 5, 6], 3);

        assert_eq!(turned(&source, Rotation::None), [1, 2, 3, 4, 5, 6]);
        assert_eq!(turned(&source, Rotation::Quarter), [4, 1, 5, 2, 6, 3]);
        assert_eq!(turned(&source, Rotation::Half), [6, 5, 4, 3, 2, 1]);
        assert_eq!(turned(&source, Rotation::ThreeQuarters), [3, 6, 2, 5, 1, 4]);
    }

    fn turned(source: &Plane, rotation: Rotation) -> Vec<u8> {
        let size = rotation.apply(Size::new(source.width() as u32, source.height() as u32));
        let (width, height) = (size.width as usize, size.height as usize);
        let mut target = Plane::default();
        target.resize(width, height);
        let (x, y) = (0, 0);
        rotate(
            source,
            rotation,
            &mut target.window_mut(Part {
                x,
                y,
                width,
                height,
            }),
        );
        target.samples().to_vec()
    }
}
