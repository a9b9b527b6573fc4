//! The embedded DynamoDB.

use std::{fs, io, path::Path};

use dynoxide::Database;

use super::LocalError;

/// Opens the database in the data folder, which is made if it is not there, or one in memory.
pub(super) fn open(folder: Option<&Path>) -> Result<Database, LocalError> {
    let opened = match folder {
        None => Database::memory(),
        Some(folder) => {
            make_private_folder(folder).map_err(|source| LocalError::Folder { folder: folder.to_owned(), source })?;
            Database::new(&folder.join("dynamodb.sqlite").to_string_lossy())
        }
    };
    opened.map_err(|error| LocalError::Database(error.to_string()))
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
