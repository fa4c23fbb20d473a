//! How much is known of the requests that come somewhere.

/// Why less is known than a closed form asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubt {
    pub level: Level,
    pub reason: String,
}

/// From well known to unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A Poisson process, or as good as one in equilibrium.
    #[default]
    Poisson,
    /// The rate is known, the spacing is not that of a Poisson process.
    Shape,
    /// The rate is known, and the spacing is so uneven that an approximation would mislead.
    Uneven,
    /// Not even the rate is known.
    Rate,
}

impl Doubt {
    pub fn shape(reason: impl Into<String>) -> Self {
        Self { level: Level::Shape, reason: reason.into() }
    }

    pub fn uneven(reason: impl Into<String>) -> Self {
        Self { level: Level::Uneven, reason: reason.into() }
    }

    pub fn rate(reason: impl Into<String>) -> Self {
        Self { level: Level::Rate, reason: reason.into() }
    }

    /// Takes over a larger doubt. Returns whether it was larger.
    pub fn raise(&mut self, other: &Self) -> bool {
        let is_larger = other.level > self.level;
        if is_larger {
            self.clone_from(other);
        }
        is_larger
    }

    /// The larger of both.
    #[must_use]
    pub fn raised(mut self, other: Self) -> Self {
        self.raise(&other);
        self
    }
}
