//! Matroska and WebM files.

use mixer::mux::{Finish, ReadBlock, ReadError, Reader, Recovery};

/// A file reads the same in one piece and in many, with data and without; and what is recovered of it
/// reads the same to its end, and needs no more recovering.
pub fn run(file: &[u8]) {
    let piece = 1 + file.len() % 97;
    let (blocks, error) = read(Reader::new(), file, file.len());
    assert_eq!(read(Reader::new(), file, piece), (blocks.clone(), error));
    assert_eq!(
        read(Reader::without_data(), file, piece),
        (blocks.clone(), error)
    );
    for block in &blocks {
        let range = &block.data_range;
        assert!(range.start <= range.end && range.end <= file.len() as u64);
        assert!(block.cluster_offset < range.start);
    }

    let Some(recovered) = recover(file, piece) else {
        assert!(blocks.is_empty());
        return;
    };
    assert_eq!(read(Reader::new(), &recovered, piece), (blocks, None));
    assert_eq!(recover(&recovered, piece).as_ref(), Some(&recovered));
}

/// All blocks of a file, and what is wrong after them.
fn read(mut reader: Reader, file: &[u8], piece: usize) -> (Vec<ReadBlock>, Option<ReadError>) {
    let (mut blocks, mut error) = (Vec::new(), None);
    for piece in file.chunks(piece.max(1)) {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(Some(block)) => {
                    assert!(error.is_none());
                    let bytes = block.data_range.end - block.data_range.start;
                    let data = reader.data();
                    assert!(data.is_empty() || data.len() as u64 == bytes);
                    blocks.push(block);
                }
                Ok(None) => break,
                Err(wrong) => error = Some(wrong),
            }
        }
    }
    (blocks, error)
}

/// The file as it is once recovered, if there is something to recover.
fn recover(file: &[u8], piece: usize) -> Option<Vec<u8>> {
    let mut recovery = Recovery::new();
    file.chunks(piece).for_each(|piece| recovery.feed(piece));
    let recovered = recovery.finish().ok()?;
    let truncate_to = usize::try_from(recovered.truncate_to).expect("it is inside of the file");
    Some(finish(&file[..truncate_to], &recovered.finish))
}

fn finish(file: &[u8], finish: &Finish) -> Vec<u8> {
    let mut file = [file, &finish.append].concat();
    for patch in &finish.patches {
        let offset = usize::try_from(patch.offset).expect("it is inside of the file");
        file[offset..offset + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    file
}
