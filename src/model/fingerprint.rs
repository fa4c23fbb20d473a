//! What a model was made of, as one short text.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files;

/// SHA-256 of a model's text and of the bytes of the files that it names. From where they were read does not matter.
///
/// # Errors
/// The file that cannot be read, and why.
pub fn fingerprint(text: &str, directory: &Path, files: &BTreeSet<String>) -> Result<String, (String, io::Error)> {
    let mut hash = Sha256::new();
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
    for file in files {
        let bytes = read(&directory.join(file)).map_err(|error| (file.clone(), error))?;
        hash.update(Sha256::digest(bytes));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_files_decide_and_the_place_does_not() {
        let folders = [0, 1].map(|_| tempfile::tempdir().expect("a temporary folder"));
        let files = BTreeSet::from(["a.csv".to_owned()]);
        let found =
            |text: &str, folder: &tempfile::TempDir| fingerprint(text, folder.path(), &files).map_err(|(file, _)| file);
        assert_eq!(found("model", &folders[0]), Err("a.csv".to_owned()));
        for folder in &folders {
            std::fs::write(folder.path().join("a.csv"), "1,2").expect("a file");
        }
        let first = found("model", &folders[0]);
        assert_eq!(first, found("model", &folders[1]));
        assert_ne!(first, found("model ", &folders[0]));
        std::fs::write(folders[1].path().join("a.csv"), "1,3").expect("a file");
        assert_ne!(first, found("model", &folders[1]));
    }
}
