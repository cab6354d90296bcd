use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt as _;

/// Where letters are written, each into a file of its own.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    last: AtomicU64,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            last: AtomicU64::new(0),
        }
    }

    /// Writes the next `<n>.eml`; what an earlier run left stays.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        tokio::fs::create_dir_all(&self.path).await?;
        loop {
            let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
            let path = self.path.join(format!("{number}.eml"));
            let mut new = OpenOptions::new();
            match new.write(true).create_new(true).open(path).await {
                Ok(mut file) => {
                    file.write_all(bytes).await?;
                    return file.flush().await;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}
