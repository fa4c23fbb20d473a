//! Points at loads that nobody listed.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::experiment::plan::{Plan, PlannedPoint, Space};
use crate::model::KeyTables;

/// More loads than a curve needs, however it bends.
const MOST: u32 = 100;

impl Space {
    /// How many loads a series may get beside those that are listed. What keeps the load from having further ones is
    /// reported.
    pub(super) fn refinements(&self, diagnostics: &mut Diagnostics) -> usize {
        let Some(refine) = &self.experiment.refine else { return 0 };
        let mut wrong = |code: &'static str, message: &str, help: &str| {
            diagnostics.push(Diagnostic::error(code, self.document.place(refine.span), message).help(help));
        };
        if !(1..=MOST).contains(&refine.value) {
            wrong("invalid-value", "a series gets between 1 and 100 further loads", "write for example 6");
        } else if self.load_axis.moves_others {
            let message = "the load moves other paths with it, which have no values between those that are listed";
            wrong("lockstep-load", message, "leave `with` out of `load`, or list every load");
        } else if self.loads().len() < 2 {
            wrong("invalid-value", "there is nothing between one load and none", "list two loads at least");
        }
        refine.value as usize
    }
}

impl Plan {
    /// The number of loads of a series that are listed.
    pub fn listed(&self, series: usize) -> usize {
        let is_listed = |point: &&PlannedPoint| point.series == series && self.loads.contains(&point.load);
        self.points.iter().filter(is_listed).count()
    }

    /// Which part of the plan a point belongs to. Points of one part are studied by one machine: a series that gets further
    /// loads needs all of its points to know which.
    pub fn part(&self, point: usize) -> usize {
        if self.refinements > 0 { self.points[point].series } else { point }
    }

    /// The number of parts that may be studied apart.
    pub fn parts(&self) -> usize {
        if self.refinements > 0 { self.series.len() } else { self.points.len() }
    }

    /// A point of a series between its listed loads; `None` if a constraint is against it.
    ///
    /// A model that is one at the loads on both sides is one in between; where it should not be, there is no point either.
    pub fn between(&self, series: usize, load: f64) -> Option<PlannedPoint> {
        let configuration = &self.series[series].configuration;
        if !self.space.admits(configuration, load) {
            return None;
        }
        let compiled = self.space.compile(configuration, load, &mut KeyTables::default(), &mut Diagnostics::new())?;
        Some(PlannedPoint { series, load, compiled, settings: self.space.settings.clone() })
    }
}
