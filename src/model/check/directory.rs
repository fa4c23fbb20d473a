//! Who is who: nodes by name, and the operations each offers.

use std::collections::{HashMap, HashSet};

use crate::model::check::Subject;
use crate::techniques::technique::{ControllerSpec, LinkSpec, Operations, Spec};

/// Nodes that pass requests through may stand in a row, but not more of them than this; a cycle of them is longer.
const LONGEST_ROW: usize = 32;

/// Nodes and operations by name.
pub struct Directory<'a> {
    index: HashMap<&'a str, usize>,
    offers: Vec<Offer<'a>>,
}

/// What one node offers.
pub struct Offer<'a> {
    pub name: &'a str,
    pub kind: &'static str,
    /// In the order of the text.
    pub operations: Vec<&'a str>,
    known: HashSet<&'a str>,
    /// The node that requests are passed to.
    pub passes_to: Option<&'a str>,
}

impl<'a> Directory<'a> {
    pub fn of<N: Spec, L: LinkSpec, K, C: ControllerSpec>(subject: &Subject<'a, N, L, K, C>) -> Self {
        let mut directory = Self { index: HashMap::new(), offers: Vec::new() };
        for (name, node) in &subject.architecture.nodes {
            let (operations, passes_to) = match node.operations() {
                Operations::None => (Vec::new(), None),
                Operations::Named(names) => (names, None),
                Operations::SameAs(target) => (Vec::new(), Some(target.value.as_str())),
            };
            directory.index.insert(name.value.as_str(), directory.offers.len());
            let known = operations.iter().copied().collect();
            directory.offers.push(Offer { name: &name.value, kind: node.kind(), operations, known, passes_to });
        }
        directory
    }

    /// The node's index in the order of the text.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub fn get(&self, name: &str) -> Option<&Offer<'a>> {
        self.index(name).map(|index| &self.offers[index])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Offer<'a>> {
        self.offers.iter()
    }

    /// The node that really has the operations: where requests end up that this node passes on. None if they go round
    /// in a circle or to a node that is not there.
    pub fn provider(&self, name: &str) -> Option<&Offer<'a>> {
        let mut offer = self.get(name)?;
        for _ in 0..LONGEST_ROW {
            match offer.passes_to {
                None => return Some(offer),
                Some(next) => offer = self.get(next)?,
            }
        }
        None
    }

    /// Whether requests that this node passes on come back to it or never arrive.
    pub fn goes_round(&self, name: &str) -> bool {
        let mut offer = self.get(name);
        for _ in 0..LONGEST_ROW {
            match offer.and_then(|offer| offer.passes_to) {
                None => return false,
                Some(next) => offer = self.get(next),
            }
        }
        true
    }

    /// Node and operation of `"node.operation"`. Names may hold dots: the longest name of a node that fits wins.
    pub fn split<'r>(&self, reference: &'r str) -> Option<(&'r str, &'r str)> {
        let cuts = reference.rmatch_indices('.').map(|(at, _)| (&reference[..at], &reference[at + 1..]));
        cuts.take(LONGEST_ROW).find(|(node, _)| self.index.contains_key(node)).or_else(|| reference.split_once('.'))
    }
}

impl Offer<'_> {
    pub fn has(&self, operation: &str) -> bool {
        self.known.contains(operation)
    }
}
