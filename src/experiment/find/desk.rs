//! Where configurations are built and studied, and what that took.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::diagnostic::Diagnostics;
use crate::experiment::find::Configuration;
use crate::experiment::finding::Finding;
use crate::experiment::pipeline::{Settings, memory_bytes};
use crate::experiment::plan::{PlannedPoint, Space};
use crate::experiment::run::{Interruption, at_once, take_or_study};
use crate::experiment::store::Store;
use crate::model::{Compiled, KeyTables};

/// Prices that are remembered. What is forgotten is worked out again.
const REMEMBERED: usize = 200_000;

pub(super) struct Desk<'a> {
    pub(super) space: &'a Space,
    pub(super) load: f64,
    store: &'a Store,
    fresh: bool,
    tables: KeyTables,
    /// What stands there costs, by configuration; `None` for what cannot be built.
    standing_usd_per_hour: BTreeMap<Configuration, Option<f64>>,
    pub(super) studies: u64,
    pub(super) requests: u64,
}

impl<'a> Desk<'a> {
    pub(super) fn new(space: &'a Space, load: f64, store: &'a Store, fresh: bool) -> Self {
        let (tables, standing_usd_per_hour) = (KeyTables::default(), BTreeMap::new());
        Self { space, load, store, fresh, tables, standing_usd_per_hour, studies: 0, requests: 0 }
    }

    /// What is paid per hour for what stands there, before any request. `None` if the constraints forbid the configuration
    /// or it makes no model.
    pub(super) fn standing_usd_per_hour(&mut self, configuration: &[usize]) -> Option<f64> {
        if let Some(known) = self.standing_usd_per_hour.get(configuration) {
            return *known;
        }
        let compiled = if self.space.admits(configuration, self.load) { self.compile(configuration) } else { None };
        let price = compiled.map(|compiled| compiled.standing_usd_per_hour());
        if self.standing_usd_per_hour.len() >= REMEMBERED {
            self.standing_usd_per_hour.clear();
        }
        self.standing_usd_per_hour.insert(configuration.to_vec(), price);
        price
    }

    fn compile(&mut self, configuration: &[usize]) -> Option<Compiled> {
        self.space.compile(configuration, self.load, &mut self.tables, &mut Diagnostics::new())
    }

    /// Studies several configurations, side by side. Those that make no model are left out.
    pub(super) fn study(
        &mut self,
        configurations: &[Configuration],
        settings: &Settings,
    ) -> Result<Vec<(Configuration, Finding)>, Interruption> {
        let mut points = Vec::new();
        for configuration in configurations {
            if let Some(compiled) = self.compile(configuration) {
                let point = PlannedPoint { series: 0, load: self.load, compiled, settings: settings.clone() };
                points.push((configuration, point));
            }
        }
        let bytes = points.iter().map(|(_, point)| memory_bytes(&point.compiled, settings)).max();
        let at_once = at_once(bytes.unwrap_or(0));
        let mut found = Vec::new();
        for some in points.chunks(at_once) {
            let one = |(configuration, point): &(&Configuration, PlannedPoint)| {
                Ok(((*configuration).clone(), take_or_study(point, self.store, self.fresh)?))
            };
            found.extend(some.par_iter().map(one).collect::<Result<Vec<_>, Interruption>>()?);
        }
        self.studies += found.len() as u64;
        self.requests += found.iter().map(|(_, finding)| finding.point.requests).sum::<u64>();
        Ok(found)
    }
}
