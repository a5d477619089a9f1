//! Pieces that are made before their turn, on disk until then.

use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use mixer::compose::Piece;

/// Writes pieces of pictures down.
#[derive(Debug)]
pub(super) struct Spool(BufWriter<fs::File>);

/// Reads them again.
#[derive(Debug)]
pub(super) struct Spooled(BufReader<fs::File>);

impl Spool {
    /// Begins with a file beside another, which nobody sees: it goes with the process.
    pub(super) fn beside(out: &Path, index: usize) -> io::Result<Self> {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}-{index}.part", std::process::id()));
        let path = out.with_file_name(name);
        let mut open = OpenOptions::new();
        let open = open.read(true).write(true).create_new(true).mode(0o600);
        let file = open.open(&path)?;
        fs::remove_file(&path)?;
        Ok(Self(BufWriter::new(file)))
    }

    /// Adds a piece.
    pub(super) fn add(&mut self, piece: &Piece) -> io::Result<()> {
        let Piece::Picture {
            pts_us,
            is_keyframe,
            data,
        } = piece
        else {
            return Ok(());
        };
        self.0.write_all(&pts_us.to_le_bytes())?;
        self.0.write_all(&[u8::from(*is_keyframe)])?;
        self.0.write_all(&(data.len() as u64).to_le_bytes())?;
        self.0.write_all(data)
    }

    /// Goes back to the beginning.
    pub(super) fn read(self) -> io::Result<Spooled> {
        let mut file = self.0.into_inner()?;
        file.rewind()?;
        Ok(Spooled(BufReader::new(file)))
    }
}

impl Spooled {
    /// The next piece; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        let mut pts_us = [0; 8];
        match self.0.read_exact(&mut pts_us) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            outcome => outcome?,
        }
        let (mut is_keyframe, mut length) = ([0; 1], [0; 8]);
        self.0.read_exact(&mut is_keyframe)?;
        self.0.read_exact(&mut length)?;
        let mut data = vec![0; u64::from_le_bytes(length) as usize];
        self.0.read_exact(&mut data)?;
        Ok(Some(Piece::Picture {
            pts_us: i64::from_le_bytes(pts_us),
            is_keyframe: is_keyframe != [0],
            data,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_again() {
        let out = std::env::temp_dir().join(format!("plenary-spool-{}", std::process::id()));
        let pieces: Vec<_> = (0..100)
            .map(|index| Piece::Picture {
                pts_us: index * 33_333,
                is_keyframe: index % 10 == 0,
                data: vec![index as u8; index as usize * 50],
            })
            .collect();

        let mut spool = Spool::beside(&out, 1).expect("a file");
        for piece in &pieces {
            spool.add(piece).expect("room on the disk");
        }
        let mut spooled = spool.read().expect("the file");

        for piece in pieces {
            assert_eq!(spooled.next().expect("the file"), Some(piece));
        }
        assert_eq!(spooled.next().expect("the file"), None);
    }
}
