//! Gives the sources a fingerprint, so that numbers of another build are never taken for numbers of this one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files)?;
    // What depends on this crate has a lock file of its own, and this one may be missing.
    files.extend(Some(PathBuf::from("Cargo.lock")).filter(|path| path.exists()));
    files.sort();
    let mut hash = Sha256::new();
    // Results are bit-identical on one platform and toolchain only.
    for part in [env::var("TARGET").unwrap_or_default(), compiler()] {
        add(&mut hash, part.as_bytes());
    }
    for path in files {
        add(&mut hash, path.to_string_lossy().replace('\\', "/").as_bytes());
        add(&mut hash, &fs::read(&path)?);
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo:rustc-env=FORESCALE_BUILD={digest}");
    Ok(())
}

/// Adds a part whose end cannot be mistaken.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

fn compiler() -> String {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).arg("--version").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(())
}
