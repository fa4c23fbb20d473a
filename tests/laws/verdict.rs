//! What it takes for a measured number to agree with theory.

use crate::study::Measured;
use crate::theory::Row;

/// How far a measured value may lie from an exact one, in standard errors.
pub const LARGEST_DEVIATION: f64 = 4.0;

/// An error bar wider than this share of the truth proves little: four of them must not exceed 5%.
pub const WIDEST_ERROR: f64 = 0.0125;

/// Nanoseconds and the written digits of the parameters limit what a number without spread can agree to.
const ROUNDING: f64 = 2e-6;

/// What is asked of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Within four standard errors that are small.
    Exact,
    /// Within four standard errors, which rare events make larger than usual.
    ExactButWide,
    /// Within this relative distance of a limit or an approximation.
    Band(f64),
    /// Not above a bound, but for four standard errors.
    Below,
    /// A yes or no, measured as 1 or 0.
    Direction,
}

/// One number of one row.
#[derive(Clone, Debug)]
pub struct Check {
    pub row: &'static str,
    pub name: String,
    pub truth: f64,
    pub found: Measured,
    pub rule: Rule,
}

impl Check {
    /// Distance from the truth in standard errors; a number without spread is measured in rounding errors.
    pub fn deviation(&self) -> f64 {
        let error = self.found.standard_error.max(ROUNDING * self.truth.abs() / LARGEST_DEVIATION);
        (self.found.value - self.truth) / error
    }

    /// The standard error relative to the truth.
    pub fn relative_error(&self) -> f64 {
        self.found.standard_error / self.truth.abs()
    }

    pub fn passes(&self) -> bool {
        let near = self.deviation().abs() <= LARGEST_DEVIATION;
        match self.rule {
            Rule::Exact => near && self.relative_error() <= WIDEST_ERROR,
            Rule::ExactButWide => near,
            Rule::Band(width) => (self.found.value / self.truth - 1.0).abs() <= width,
            Rule::Below => self.deviation() <= LARGEST_DEVIATION,
            Rule::Direction => self.found.value == self.truth,
        }
    }
}

/// The checks of one row, as they are made.
pub struct Sheet {
    row: &'static Row,
    pub checks: Vec<Check>,
}

impl Sheet {
    pub fn new(row: &str) -> Self {
        Self { row: Row::named(row), checks: Vec::new() }
    }

    pub fn exact(&mut self, name: &str, found: Measured) {
        assert!(!self.row.is_approximate(name), "{}: {name} is no exact value", self.row.id);
        self.check(name, found, Rule::Exact);
    }

    pub fn wide(&mut self, name: &str, found: Measured) {
        self.check(name, found, Rule::ExactButWide);
    }

    pub fn band(&mut self, name: &str, found: Measured, width: f64) {
        self.check(name, found, Rule::Band(width));
    }

    pub fn below(&mut self, name: &str, found: Measured) {
        self.check(name, found, Rule::Below);
    }

    pub fn direction(&mut self, name: &str, found: bool) {
        let value = f64::from(u8::from(found));
        self.check(name, Measured { value, standard_error: 0.0 }, Rule::Direction);
    }

    fn check(&mut self, name: &str, found: Measured, rule: Rule) {
        let truth = self.row.value(name);
        self.checks.push(Check { row: &self.row.id, name: name.to_owned(), truth, found, rule });
    }
}
