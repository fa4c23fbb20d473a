//! Machines that can be rented, as a catalogue in a model lists them.

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::price::HourlyPrice;
use crate::techniques::technique::Mistake;
use crate::units::Bytes;

/// A size of machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    pub cpu: Spanned<f64>,
    #[serde(default)]
    pub memory: Option<Bytes>,
    pub price: HourlyPrice,
}

impl Instance {
    /// Mistakes in one entry of a catalogue.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let is_wrong = !(0.001..=100_000.0).contains(&self.cpu.value);
        let mistake = || {
            let message = "a machine has between 0.001 and 100,000 cores";
            Mistake::new(self.cpu.span, message, "write for example cpu: 4")
        };
        is_wrong.then(mistake).into_iter().collect()
    }

    /// What the node has of memory, if it does not say so itself.
    pub fn fill_in_memory(&self, memory: &mut Option<Bytes>) {
        *memory = memory.or(self.memory);
    }

    /// Gives a node that names this instance at `span` what the node does not write itself.
    pub fn fill_in(&self, span: Span, cpu: &mut Option<Spanned<f64>>, price: &mut Option<HourlyPrice>) {
        cpu.get_or_insert(Spanned::new(self.cpu.value, span));
        price.get_or_insert(self.price);
    }
}
