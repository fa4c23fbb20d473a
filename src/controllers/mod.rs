//! What changes an architecture while it runs: one file or folder per controller, and the register that lists them.
//!
//! A controller is a node that no request reaches. It looks at others at the pace at which the real one does, and tells
//! services what to do. Adding one takes one file, one `mod` line and one line of the register below.

pub mod cluster;
pub mod fault;
pub mod hpa;
pub mod keda;
pub mod parts;
pub mod predictive;
pub mod reshard;
pub mod rolling_update;
pub mod scheduled;
pub mod step_scaling;
pub mod target_tracking;
pub mod vpa;

use serde::Deserialize;

use crate::diagnostic::span::{Span, Spanned};
use crate::techniques::CatalogueEntry;
use crate::techniques::parts::signal::{Bounds, Goal, Look};
use crate::techniques::technique::{
    CompileError, Controller, ControllerSpec, Disturbed, Mistake, Prices, Reference, Requests, Resharding, Wiring,
};

/// Makes, from one line per controller: the written form of any controller, its compilation, and the catalogue.
macro_rules! register {
    ($($name:ident($module:ident): $summary:literal,)*) => {
        /// A controller as written in a model.
        #[derive(Clone, Debug, Deserialize)]
        pub enum AnyController {
            $($name($module::$name),)*
        }

        /// All that may stand under `controllers`.
        pub const CATALOGUE: &[CatalogueEntry] = &[
            $(CatalogueEntry { name: stringify!($name), summary: $summary },)*
        ];

        impl AnyController {
            fn spec(&self) -> &dyn ControllerSpec {
                match self {
                    $(Self::$name(spec) => spec,)*
                }
            }

            /// The running form.
            ///
            /// # Errors
            /// When something that is named cannot be used after all, such as a file.
            pub fn compile(&self, wiring: &mut dyn Wiring) -> Result<Box<dyn Controller>, CompileError> {
                match self {
                    $(Self::$name(spec) => Ok(Box::new($module::compile(spec, wiring)?)),)*
                }
            }
        }
    };
}

register! {
    ClusterAutoscaler(cluster): "machines beneath replicas: a scheduler, groups of machines, Cluster Autoscaler or Karpenter",
    Fault(fault): "what befalls a node from outside, and when: parts that are lost or slow, a zone that is lost",
    HorizontalPodAutoscaler(hpa): "replicas that hold metrics at their targets, as Kubernetes finds them",
    Keda(keda): "replicas that follow events waiting elsewhere, down to none, as KEDA finds them",
    PredictiveScaling(predictive): "replicas for the load that is forecast, in time for them to start",
    Reshard(reshard): "more or fewer shards of a node that works, and data that moves",
    RollingUpdate(rolling_update): "a new version takes the place of every replica, a few at a time",
    Scheduled(scheduled): "replicas by the clock: scheduled actions, cron",
    StepScaling(step_scaling): "instances that are added and removed in steps, by alarms on any metric",
    TargetTracking(target_tracking): "instances that hold a metric at its target, as EC2 Auto Scaling finds them",
    VerticalPodAutoscaler(vpa): "how much each pod requests, learnt from what pods used",
}

impl ControllerSpec for AnyController {
    fn kind(&self) -> &'static str {
        self.spec().kind()
    }

    fn references(&self) -> Vec<Reference<'_>> {
        self.spec().references()
    }

    fn mistakes(&self) -> Vec<Mistake> {
        self.spec().mistakes()
    }

    fn targets(&self) -> Vec<&Spanned<String>> {
        self.spec().targets()
    }

    fn disturbs(&self) -> Option<Disturbed<'_>> {
        self.spec().disturbs()
    }

    fn reshards(&self) -> Option<Resharding<'_>> {
        self.spec().reshards()
    }

    fn bounds(&self) -> Option<Bounds> {
        self.spec().bounds()
    }

    fn most_replicas(&self) -> Option<u32> {
        self.spec().most_replicas()
    }

    fn looks(&self) -> Vec<Look<'_>> {
        self.spec().looks()
    }

    fn goals(&self) -> Vec<Goal> {
        self.spec().goals()
    }

    fn resizes(&self) -> bool {
        self.spec().resizes()
    }

    fn resizes_in_place(&self) -> Option<Span> {
        self.spec().resizes_in_place()
    }

    fn moments(&self) -> Vec<(u64, Span)> {
        self.spec().moments()
    }

    fn foresees(&self) -> Option<(&Spanned<String>, Span)> {
        self.spec().foresees()
    }

    fn room(&self) -> Option<Requests> {
        self.spec().room()
    }

    fn is_scheduler(&self) -> bool {
        self.spec().is_scheduler()
    }

    fn refuses(&self, requests: Requests) -> Option<String> {
        self.spec().refuses(requests)
    }

    fn prices(&self) -> Prices {
        self.spec().prices()
    }

    fn settling_s(&self) -> f64 {
        self.spec().settling_s()
    }

    fn containers(&self) -> Vec<&Spanned<String>> {
        self.spec().containers()
    }

    fn cycle_s(&self) -> f64 {
        self.spec().cycle_s()
    }

    fn is_transient(&self) -> bool {
        self.spec().is_transient()
    }
}
