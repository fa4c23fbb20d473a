//! One row: a finding as text, and what tells that the text is still the one that was written.

use rusqlite::{Connection, Row as Columns, params};
use sha2::{Digest, Sha256};

use crate::experiment::finding::Finding;
use crate::experiment::store::Key;

/// A row as it lies in the file, sound or not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: String,
    content: Vec<u8>,
    checksum: Vec<u8>,
}

impl Row {
    /// The row of a finding, unless its text would be read as something else.
    pub(super) fn of(key: &Key, finding: &Finding) -> Option<Self> {
        let content = encode(finding)?;
        (encode(&decode(&content)?)? == content).then(|| {
            let checksum = checksum(key.as_str(), content.as_bytes());
            Self { key: key.as_str().to_owned(), content: content.into_bytes(), checksum: checksum.into_bytes() }
        })
    }

    /// A row of a query for key, content and checksum.
    pub(super) fn read(columns: &Columns<'_>) -> rusqlite::Result<Self> {
        // A damaged text may be no text any more.
        let bytes = |index| columns.get_ref(index).map(|value| value.as_bytes().unwrap_or_default().to_vec());
        let key = String::from_utf8_lossy(&bytes(0)?).into_owned();
        Ok(Self { key, content: bytes(1)?, checksum: bytes(2)? })
    }

    /// Whether it is what was written, by whichever build.
    pub(super) fn is_sound(&self) -> bool {
        checksum(&self.key, &self.content).as_bytes() == self.checksum
    }

    /// What was written, or nothing if the row is damaged.
    pub(super) fn finding(&self) -> Option<Finding> {
        std::str::from_utf8(&self.content).ok().filter(|_| self.is_sound()).and_then(decode)
    }

    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let values = params![self.key, text(&self.content), text(&self.checksum)];
        connection.execute("INSERT INTO finding (key, content, checksum) VALUES (?1, ?2, ?3)", values).map(drop)
    }
}

fn encode(finding: &Finding) -> Option<String> {
    serde_json::to_string(finding).ok()
}

fn decode(text: &str) -> Option<Finding> {
    serde_json::from_str(text).ok()
}

/// Covers the key too: a row whose content belongs to another point is damaged.
fn checksum(key: &str, content: &[u8]) -> String {
    let hash = Sha256::new().chain_update(key).chain_update("\n").chain_update(content);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
