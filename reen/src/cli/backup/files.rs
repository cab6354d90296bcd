use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use bson::{RawDocument, RawDocumentBuf};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ring::digest::{Context, SHA256};

/// A backup holds the hashes of passwords and the keys that sign: it is its owner's alone.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const CHUNK: usize = 64 * 1024;
/// More than MongoDB stores: whatever says to be larger is no document.
const LARGEST: usize = 48 * 1024 * 1024;
/// Its own length, before everything else.
const HEAD: usize = 4;

/// Makes a folder, or takes an empty one.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut making = DirBuilder::new();
    making.recursive(true).mode(FOLDER_MODE).create(folder)?;
    match fs::read_dir(folder)?.next() {
        Some(_) => bail!("{} is not empty", folder.display()),
        None => Ok(()),
    }
}

/// Writes a file that is there whole, or not at all, and answers its digest.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<String> {
    let unfinished = path.with_extension("unfinished");
    let mut file = Hashing::of(create(&unfinished)?);
    file.write_all(content)?;
    let digest = file.finish()?;
    fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(digest)
}

fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    let created = options
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path);
    created.with_context(|| format!("{} cannot be made", path.display()))
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn digest(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).with_context(|| format!("{} is missing", path.display()))?;
    let mut context = Context::new(&SHA256);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(context.finish())),
            read => context.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// Documents on their way into a file.
pub(super) struct Writer {
    compressed: GzEncoder<Hashing>,
    pub(super) documents: u64,
    pub(super) bytes: u64,
}

impl Writer {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = Hashing::of(create(path)?);
        Ok(Self {
            compressed: GzEncoder::new(file, Compression::fast()),
            documents: 0,
            bytes: 0,
        })
    }

    pub(super) fn write(&mut self, document: &RawDocument) -> io::Result<()> {
        let bytes = document.as_bytes();
        self.documents += 1;
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.compressed.write_all(bytes)
    }

    /// Answers the digest of the file, which is on the disk then.
    pub(super) fn finish(self) -> io::Result<String> {
        self.compressed.finish()?.finish()
    }
}

/// A file whose digest is known when it is written.
struct Hashing {
    file: BufWriter<File>,
    context: Context,
}

impl Hashing {
    fn of(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(CHUNK, file),
            context: Context::new(&SHA256),
        }
    }

    fn finish(mut self) -> io::Result<String> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok(hex::encode(self.context.finish()))
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.context
            .update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The documents of a file, one after the other.
pub(super) struct Reader {
    plain: GzDecoder<BufReader<File>>,
}

impl Reader {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = BufReader::with_capacity(CHUNK, File::open(path)?);
        Ok(Self {
            plain: GzDecoder::new(file),
        })
    }

    pub(super) fn next(&mut self) -> anyhow::Result<Option<RawDocumentBuf>> {
        let mut head = [0; HEAD];
        if self.plain.read(head.get_mut(..1).unwrap_or_default())? == 0 {
            return Ok(None);
        }
        self.plain
            .read_exact(head.get_mut(1..).unwrap_or_default())?;
        let length = usize::try_from(i32::from_le_bytes(head)).unwrap_or(0);
        if !(HEAD..=LARGEST).contains(&length) {
            bail!("something is no document");
        }
        let mut bytes = vec![0; length];
        let (start, rest) = bytes.split_at_mut(HEAD);
        start.copy_from_slice(&head);
        self.plain.read_exact(rest)?;
        Ok(Some(RawDocumentBuf::from_bytes(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::{Reader, Writer, digest, make_folder};

    #[test]
    fn documents_come_back_as_they_were_and_a_digest_tells_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("documents");
        let documents = [rawdoc! {"_id": 1}, rawdoc! {"_id": 2, "name": "two"}];
        let mut writer = Writer::create(&path).unwrap();
        for document in &documents {
            writer.write(document).unwrap();
        }
        assert_eq!(writer.documents, 2);
        let written = writer.finish().unwrap();
        assert_eq!(digest(&path).unwrap(), written);

        let mut reader = Reader::open(&path).unwrap();
        for document in documents {
            assert_eq!(reader.next().unwrap(), Some(document));
        }
        assert_eq!(reader.next().unwrap(), None);

        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_ne!(digest(&path).unwrap(), written);
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        make_folder(folder.path()).unwrap();
        make_folder(&folder.path().join("new")).unwrap();
        assert!(make_folder(folder.path()).is_err());
    }
}
