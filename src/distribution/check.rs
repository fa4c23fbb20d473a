//! Mistakes in a distribution that can be seen without opening a file.

use super::DistributionError;
use super::compile::{build, known_factor, known_unit};
use super::written::Distribution;
use crate::units::Ratio;

impl Distribution {
    /// Every mistake in the law, of a mixture those of all its parts. Empty if [`Distribution::compile`] will succeed,
    /// apart from files that cannot be read.
    #[must_use]
    pub fn check(&self) -> Vec<DistributionError> {
        match self {
            Self::Csv { unit, .. } => known_unit(unit).err().into_iter().collect(),
            Self::Mixture(parts) => {
                let weights = probabilities(parts.iter().map(|(weight, _)| *weight)).err();
                weights.into_iter().chain(parts.iter().flat_map(|(_, part)| part.check())).collect()
            }
            Self::Scaled { by, law } => {
                // How long the scaled law takes is known only where the inner one is right.
                let mut mistakes: Vec<_> = known_factor(*by).err().into_iter().chain(law.check()).collect();
                if mistakes.is_empty() {
                    mistakes.extend(build(self, None).err());
                }
                mistakes
            }
            _ => build(self, None).err().into_iter().collect(),
        }
    }
}

/// Probabilities that add up to 1: as written up to a millionth, as returned up to rounding.
pub(super) fn probabilities(written: impl Iterator<Item = Ratio>) -> Result<Vec<f64>, DistributionError> {
    let values: Vec<f64> = written.map(|ratio| ratio.value).collect();
    if values.is_empty() {
        return Err(DistributionError::new("there is nothing to choose from").help("write at least one alternative"));
    }
    let total: f64 = values.iter().sum();
    if (total - 1.0).abs() > 1e-6 {
        return Err(DistributionError::new(format!("the probabilities add up to {total}, not to 1"))
            .help("add the rest to one of them, or divide all of them by their sum"));
    }
    Ok(values.iter().map(|value| value / total).collect())
}
