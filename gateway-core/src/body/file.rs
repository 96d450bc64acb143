//! [`FileBody`]: a range of a file.

use std::fs::File;
use std::io;

use bytes::{Bytes, BytesMut};

/// How much of a file is read at a time, where it passes through memory: 64 KiB, as nginx's and
/// tower-http's copies are.
const CHUNK: u64 = 64 * 1024;

/// A range of a file. As an iterator it reads the range in chunks of at most 64 KiB, blocking.
#[derive(Debug)]
pub struct FileBody {
    file: File,
    offset: u64,
    remaining: u64,
}

impl FileBody {
    pub(super) fn new(file: File, offset: u64, length: u64) -> Self {
        Self {
            file,
            offset,
            remaining: length,
        }
    }

    /// The file, for hosts that let the kernel send it.
    pub fn as_file(&self) -> &File {
        &self.file
    }

    /// Where the rest begins, in bytes from the start of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How much is still to be sent, in bytes.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Says that the kernel has sent `amount` bytes.
    pub fn advance(&mut self, amount: u64) {
        let amount = amount.min(self.remaining);
        self.offset += amount;
        self.remaining -= amount;
    }

    fn read_chunk(&mut self) -> io::Result<Bytes> {
        let mut chunk = BytesMut::zeroed(self.remaining.min(CHUNK) as usize); // at most CHUNK
        let length = read_at(&mut self.file, &mut chunk, self.offset)?;
        if length == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "the file ends {} bytes before the body does",
                    self.remaining
                ),
            ));
        }
        chunk.truncate(length);
        self.advance(length as u64);
        Ok(chunk.freeze())
    }
}

impl Iterator for FileBody {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        let chunk = self.read_chunk();
        if chunk.is_err() {
            self.remaining = 0;
        }
        Some(chunk)
    }
}

#[cfg(unix)]
fn read_at(file: &mut File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match std::os::unix::fs::FileExt::read_at(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(not(unix))]
fn read_at(file: &mut File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}
