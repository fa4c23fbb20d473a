//! What decides the numbers of a point, as one short text.

use sha2::{Digest, Sha256};

use crate::experiment::plan::PlannedPoint;

/// The version of what a row holds. Goes up when a finding of the same build would be written otherwise.
const LAYOUT: u32 = 1;

/// SHA-256 of everything that decides the numbers of a point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The key of a point: the model with its edits and files, the load, the settings, and the build of forescale.
    pub fn of(point: &PlannedPoint) -> Self {
        let PlannedPoint { compiled, load, settings, .. } = point;
        // Times that are known before the run: the mean of a measured law depends on from where its file is found.
        let times_ns = [compiled.settling_ns(), compiled.cycle_ns(), compiled.service_ns()];
        let text = format!(
            "layout {LAYOUT}\nbuild {}\nmodel {}\ntimes {times_ns:?}\nload {:016x}\nsettings {settings:?}\n",
            env!("FORESCALE_BUILD"),
            compiled.fingerprint,
            load.to_bits(),
        );
        Self(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key of a row that is there already.
    pub(super) fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
