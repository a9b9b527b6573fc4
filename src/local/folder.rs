//! The data folder. What is in it is its owner's alone, whoever made the folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{domain::ids::hexadecimal, platform::machine};

/// Makes the folder if it is not there.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file if there is none, and takes it from all others if there is one.
pub(super) fn private_file(file: &Path) -> io::Result<()> {
    if file.try_exists()? {
        return take_from_others(file);
    }
    private(OpenOptions::new().append(true).create(true)).open(file).map(drop)
}

/// Takes a file from all others if it is there.
pub(super) fn take_from_others(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match fs::metadata(file) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
            tracing::warn!(file = ?file, "others could use this file; now they cannot");
        }
    }
    Ok(())
}

/// What is in a secret file. If there is none it is made of `new`, whole or not at all: a crash or a second start at
/// the same moment leaves no half of it, and of two starts both read what one has written.
pub(super) fn read_or_make(file: &Path, new: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    if !file.try_exists()? {
        let draft = draft_of(file);
        let made = write_synced(&draft, new).and_then(|()| fs::hard_link(&draft, file));
        let removed = fs::remove_file(&draft);
        match made {
            // A rename would replace what another start has made.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        removed?;
        #[cfg(unix)]
        file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    }
    take_from_others(file)?;
    fs::read(file).map(Zeroizing::new)
}

/// Writes a file that is its owner's alone, in the place of one that is there: whole or not at all, also on a full
/// disk.
pub(super) fn write_whole(file: &Path, content: &[u8]) -> io::Result<()> {
    let draft = draft_of(file);
    let written = write_synced(&draft, content).and_then(|()| fs::rename(&draft, file));
    if written.is_err() {
        // If this fails too, the file that was asked for is still not there.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// The name that a file has until it is whole.
fn draft_of(file: &Path) -> PathBuf {
    file.with_extension(format!("{}.new", hexadecimal(&machine::random())))
}

fn write_synced(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind_and_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.eml");
        write_whole(&file, b"first").unwrap();
        write_whole(&file, b"second").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"second");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let taken = folder.path().join("b.eml");
        fs::create_dir(&taken).unwrap();
        assert!(write_whole(&taken, b"third").is_err(), "a folder is there");
        assert!(write_whole(&folder.path().join("c/d.eml"), b"third").is_err(), "no folder is there");
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a.eml", "b.eml"]);
    }

    #[test]
    fn of_starts_at_once_all_read_the_same_secret_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kms.key");
        let read: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16_u8)
                .map(|start| {
                    scope.spawn({
                        let file = &file;
                        move || read_or_make(file, &[start; 32]).unwrap().to_vec()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(read.iter().all(|bytes| *bytes == read[0] && bytes.len() == 32));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["kms.key"]);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
