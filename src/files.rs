//! Files that users name, within bounds: a device or a mistake of size must not fill the memory.

use std::fs::{self, File};
use std::io::{self, Read, Take, Write};
use std::path::{Path, PathBuf};

/// No file that is read may be larger.
pub const LARGEST_BYTES: u64 = 64 << 20;

/// Opens a file that another file names. Fails also if it is no regular file (a device, a pipe that nobody writes to) or
/// larger than [`LARGEST_BYTES`].
pub fn open(path: &Path) -> io::Result<Take<File>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if about.len() > LARGEST_BYTES {
        return Err(too_large());
    }
    // The file may grow while it is read.
    Ok(File::open(path)?.take(LARGEST_BYTES))
}

/// The text of what the command line names, which may be a pipe. Fails also if it is longer than [`LARGEST_BYTES`] or not
/// UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// Looks whether [`replace`] can write there, before somebody works for an hour on what is to be written.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    let (_, beside) = target(path)?;
    File::create(&beside)?;
    fs::remove_file(beside)
}

/// Writes a file as a whole: whoever looks finds the old text or the new one, and never a part, even if the process is killed
/// or the disk is full.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let (target, beside) = target(path)?;
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        // The name must not reach the disk before the text does.
        file.sync_all()?;
        fs::rename(&beside, target)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// The file that a path leads to, and the name beside it under which its new text grows. Fails if there is something else than
/// a file.
fn target(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let target = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    if fs::metadata(&target).is_ok_and(|about| !about.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    let mut name = target.file_name().ok_or_else(|| io::Error::other("it names no file"))?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = target.with_file_name(name);
    Ok((target, beside))
}

fn too_large() -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", LARGEST_BYTES >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("forescale-files-{}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        let path = folder.join("kept.json");
        check_replaceable(&path).expect("it can be written");
        assert!(!path.exists(), "looking changes nothing");
        for text in ["one", "another"] {
            replace(&path, text).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "nothing else is left");
        assert!(check_replaceable(&folder).is_err() && replace(&folder.join("none").join("kept.json"), "").is_err());
        fs::remove_dir_all(&folder).expect("it can be removed");
    }

    #[test]
    #[cfg(unix)]
    fn a_device_without_end_is_refused() {
        let device = Path::new("/dev/zero");
        assert_eq!(open(device).map(drop).map_err(|error| error.to_string()), Err("it is not a file".to_owned()));
        assert_eq!(read_text(device).map_err(|error| error.to_string()), Err("it is larger than 64 MiB".to_owned()));
    }
}
