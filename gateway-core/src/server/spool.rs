//! Temporary files of a host: what is kept for slow clients, and is too much for memory.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::StatusCode;

/// "Too many open files", of this process (`EMFILE`) and of the system (`ENFILE`), which have no
/// [`ErrorKind`]. The same on every Unix.
const NO_DESCRIPTOR: [i32; 2] = [24, 23];

/// The temporary files of a host, and how much they may hold together ([`Limits::spool`]).
///
/// How a file is made is the host's: it should have no name, so that it goes with the process. Writing
/// goes to the kernel's page cache, which takes some 14 µs for 64 KiB, and 4 µs to read them back; but it may
/// block, for a tenth of a second and more where a disk is behind.
///
/// [`Limits::spool`]: super::Limits::spool
pub struct Spool {
    make: Box<dyn Fn() -> io::Result<File> + Send + Sync>,
    limit: u64,
    used: AtomicU64,
}

/// Why something cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The host's files hold as much as they may.
    #[error("the temporary files hold as much as they may")]
    Full,
    /// The system refuses.
    #[error("the temporary file: {0}")]
    Failed(#[from] io::Error),
}

impl SpoolError {
    /// What a request is answered whose body cannot be kept: 503 where it may be kept later, 500 where
    /// something is wrong.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Failed(error) if !is_shortage(error) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Failed(_) | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Whether it may be better later.
fn is_shortage(error: &io::Error) -> bool {
    let is_full = matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::OutOfMemory
    );
    let number = error.raw_os_error();
    is_full || number.is_some_and(|number| NO_DESCRIPTOR.contains(&number))
}

impl Spool {
    /// Files that `make` makes, empty, to be written and read; at most `limit` bytes in all of them.
    pub fn new(
        limit: u64,
        make: impl Fn() -> io::Result<File> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            make: Box::new(make),
            limit,
            used: AtomicU64::new(0),
        })
    }

    /// A new file, with nothing in it. May block.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Failed`] by the system: no descriptor, no such directory.
    pub fn open(self: &Arc<Self>) -> Result<SpoolFile, SpoolError> {
        Ok(SpoolFile {
            file: (self.make)()?,
            length: 0,
            spool: Arc::clone(self),
        })
    }

    /// How much all files hold now, in bytes.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    fn take(&self, amount: u64) -> Result<(), SpoolError> {
        let more = |used: u64| used.checked_add(amount).filter(|used| *used <= self.limit);
        match self
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(SpoolError::Full),
        }
    }

    fn give_back(&self, amount: u64) {
        self.used.fetch_sub(amount, Ordering::AcqRel);
    }
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("limit", &self.limit)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

/// A temporary file of a [`Spool`], which has back what it holds when it is dropped.
#[derive(Debug)]
pub struct SpoolFile {
    file: File,
    length: u64,
    spool: Arc<Spool>,
}

impl SpoolFile {
    /// The most that [`read_at`](Self::read_at) reads at a time, in bytes; as much should be written at a time,
    /// where there is so much.
    pub const PIECE: usize = 64 * 1024;

    /// How much is in it, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds to the end. May block.
    ///
    /// # Errors
    ///
    /// [`SpoolError::Full`] if the host's files would hold more than they may, [`SpoolError::Failed`] if the disk is
    /// full or fails. What was in the file before still is.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let amount = bytes.len() as u64;
        self.spool.take(amount)?;
        if let Err(error) = self.file.write_all_at(bytes, self.length) {
            self.spool.give_back(amount);
            return Err(error.into());
        }
        self.length += amount;
        Ok(())
    }

    /// Up to [`PIECE`](Self::PIECE) bytes from `offset` on; none at the end. May block.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn read_at(&self, offset: u64) -> io::Result<Bytes> {
        let rest = self.length.saturating_sub(offset);
        let mut piece = BytesMut::zeroed(rest.min(Self::PIECE as u64) as usize); // at most PIECE
        self.file.read_exact_at(&mut piece, offset)?;
        Ok(piece.freeze())
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        self.spool.give_back(self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(limit: u64) -> Arc<Spool> {
        Spool::new(limit, tempfile::tempfile)
    }

    #[test]
    fn gives_back_what_it_was_given_in_pieces() {
        let mut file = spool(1 << 20).open().unwrap();
        let written: Vec<u8> = (0..150_000u32).map(|n| n as u8).collect();
        for piece in written.chunks(10_000) {
            file.append(piece).unwrap();
        }
        let mut read = Vec::new();
        while (read.len() as u64) < file.length() {
            read.extend(file.read_at(read.len() as u64).unwrap());
        }
        assert!(read == written);
    }

    #[test]
    fn all_files_together_hold_no_more_than_they_may() {
        let store = spool(10);
        let (mut first, mut second) = (store.open().unwrap(), store.open().unwrap());
        first.append(b"123456").unwrap();
        assert!(matches!(second.append(b"12345"), Err(SpoolError::Full)));
        second.append(b"1234").unwrap();
        drop(first);
        second.append(b"567890").unwrap();
        assert_eq!(second.read_at(2).unwrap(), "34567890");
        drop(second);
        assert_eq!(store.used(), 0);
    }

    #[test]
    fn a_full_disk_takes_nothing_and_is_no_loss() {
        let store = Spool::new(10, || File::options().write(true).open("/dev/full"));
        let mut file = store.open().unwrap();
        let error = file.append(b"12345").unwrap_err();
        assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
        assert_eq!(file.length(), 0);
        assert_eq!(store.used(), 0);
    }

    #[test]
    fn a_shortage_passes_and_a_defect_does_not() {
        let of = io::Error::from_raw_os_error;
        for (error, status) in [
            (SpoolError::Full, 503),
            (SpoolError::Failed(of(24)), 503),
            (SpoolError::Failed(of(23)), 503),
            (SpoolError::Failed(ErrorKind::StorageFull.into()), 503),
            (SpoolError::Failed(ErrorKind::QuotaExceeded.into()), 503),
            (SpoolError::Failed(ErrorKind::OutOfMemory.into()), 503),
            (SpoolError::Failed(ErrorKind::NotFound.into()), 500),
            (SpoolError::Failed(of(5)), 500),
            (SpoolError::Failed(io::Error::other("anything")), 500),
        ] {
            assert_eq!(error.status().as_u16(), status, "{error}");
        }
        let nowhere = Spool::new(10, || tempfile::tempfile_in("/nowhere/at/all"));
        assert_eq!(nowhere.open().unwrap_err().status().as_u16(), 500);
    }
}
