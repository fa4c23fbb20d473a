//! Files that users name, within bounds: a device or a mistake of size must not fill the memory.

use std::fs::{self, File};
use std::io::{self, Read, Take};
use std::path::Path;

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

fn too_large() -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", LARGEST_BYTES >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_device_without_end_is_refused() {
        let device = Path::new("/dev/zero");
        assert_eq!(open(device).map(drop).map_err(|error| error.to_string()), Err("it is not a file".to_owned()));
        assert_eq!(read_text(device).map_err(|error| error.to_string()), Err("it is larger than 64 MiB".to_owned()));
    }
}
