//! What happened when to one variant at its heaviest load: load, replicas, queues, latency and cost, one above the other.

use crate::experiment::metric::Metric;
use crate::experiment::study::{Event, Interval, Node, NodeWindow, Point, Study, Variant, Window};
use crate::report::format::Quantity;
use crate::report::rows::with_unit;
use crate::report::text::one_line;

use super::course::{TimeUnit, operation, quantity};
use super::picture::{Axis, Limit, Line, Naming, Picture, Spot, Start, Trace, Uncertainty, footer};
use super::scale::drawable;
use super::variants::{limits, load_label, of_watched};

/// More panels of replicas, and more queues in one panel, than these cannot be read.
const SCALED_MAX: usize = 3;
const QUEUES_MAX: usize = 4;

/// Queues in which fewer wait on average in the worst of all windows are left out.
const QUEUE_FROM: f64 = 0.01;

/// Plots one above the other over the same time.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) footer: String,
    /// From the top down, at least one. Their titles are those of their vertical axes, their horizontal axes are all the same.
    pub(super) panels: Vec<Picture>,
    /// Stretches of time that are shaded.
    pub(super) shades: Vec<Shade>,
    pub(super) events: Vec<Mark>,
}

/// A stretch of time outside the objectives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shade {
    pub(super) from: f64,
    pub(super) to: f64,
    /// The share of replications in which it is.
    pub(super) share: f64,
}

/// A moment at which something happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) at: f64,
    pub(super) text: String,
}

/// The timeline of the variant with this index; `None` where none of its points has windows.
pub(super) fn timeline(study: &Study, index: usize) -> Option<Timeline> {
    let variant = &study.variants[index];
    let point = heaviest(variant)?;
    let course = Course { study, point, unit: TimeUnit::of(point.simulated_s) };
    let mut panels = vec![course.rates()];
    panels.extend(course.scaled().into_iter().map(|node| course.replicas(node)));
    panels.extend([course.queues(), course.latency(), course.cost()]);
    panels.retain(|panel| !panel.is_empty());
    let has_panels = !panels.is_empty();
    let shades: Vec<Shade> = point.windows.iter().filter_map(|window| course.shade(window)).collect();
    let events: Vec<Mark> = point.events.iter().filter_map(|event| course.mark(event)).collect();
    has_panels.then(|| Timeline {
        title: study.title.clone(),
        subtitle: course.subtitle(variant, &shades, &events),
        footer: footer(study),
        panels,
        shades,
        events,
    })
}

/// The point of the heaviest load that has a course.
fn heaviest(variant: &Variant) -> Option<&Point> {
    let told = variant.points.iter().filter(|point| !point.windows.is_empty());
    told.max_by(|one, other| one.load.total_cmp(&other.load))
}

/// One point of a study over time.
struct Course<'s> {
    study: &'s Study,
    point: &'s Point,
    unit: TimeUnit,
}

impl<'s> Course<'s> {
    fn subtitle(&self, variant: &Variant, shades: &[Shade], events: &[Mark]) -> String {
        let Self { study, point, .. } = self;
        let place = with_unit(&study.axis.label, study.axis.unit.as_deref());
        let mut text = format!("{} over time at {} {place}", variant.name, load_label(point.load));
        let is_cost_told = point.windows.iter().any(|window| window.cost_usd_per_hour.is_some());
        if let Some(cost) = point.cost_usd_per_hour.filter(|cost| !is_cost_told && cost.value > 0.0) {
            text += &format!(", {} per hour throughout", Quantity::Dollars.value(cost.value));
        }
        text += ", with 95% confidence bands";
        if !shades.is_empty() {
            text += "; shaded: outside the objectives";
        }
        if !events.is_empty() {
            text += "; lines: events";
        }
        text
    }

    fn shade(&self, window: &Window) -> Option<Shade> {
        let share = window.outside_objectives_ratio.filter(|share| *share > 0.0 && *share <= 1.0)?;
        Some(Shade { from: window.start_s / self.unit.seconds, to: window.end_s / self.unit.seconds, share })
    }

    fn mark(&self, event: &Event) -> Option<Mark> {
        let at = Some(event.time_s / self.unit.seconds).filter(|at| drawable(*at))?;
        Some(Mark { at, text: one_line(&format!("{}: {}", event.node, event.what)) })
    }

    /// A line through the middles of the windows. Nothing here can be negative, and neither can its band.
    fn line(&self, name: &str, style: usize, value: impl Fn(&'s Window) -> Option<Interval>) -> Line {
        let place = |s: f64| s / self.unit.seconds;
        let spot = |window: &'s Window| {
            let (low, high) = (place(window.start_s), place(window.end_s));
            Spot::between(Some(Interval { value: (low + high) / 2.0, low, high }), value(window).map(not_negative))
        };
        Line { marked: false, ..Line::of(name, style, self.point.windows.iter().map(spot).collect()) }
    }

    fn panel(&self, title: String, quantity: Quantity, limits: Vec<Limit>, lines: Vec<Line>) -> Picture {
        let is_told = |line: &Line| line.spots.iter().any(Option::is_some);
        Picture {
            title: String::new(),
            subtitle: String::new(),
            horizontal: self.unit.axis(self.point.simulated_s),
            vertical: Axis { title, quantity, start: Start::ZeroLinear, include: Vec::new(), limits },
            lines: lines.into_iter().filter(is_told).collect(),
            refusals: Vec::new(),
            naming: Naming::AtLineEnds,
            uncertainty: Uncertainty::Band,
            footer: String::new(),
        }
    }

    /// What is served lies on what is offered, which is wider.
    fn rates(&self) -> Picture {
        let all = |window: &'s Window| window.operations.first().and_then(|one| one.throughput_per_s);
        let offered = Line { emphasis: true, ..self.line("sent", 5, |window| window.offered_per_s) };
        let lines = vec![offered, self.line("served", 0, all)];
        self.panel("Requests".to_owned(), Quantity::PerSecond, Vec::new(), lines)
    }

    /// The nodes whose replicas are told window by window, those with the most replicas, in the order of the model.
    fn scaled(&self) -> Vec<&'s str> {
        let tells = |node: &&NodeWindow| node.replicas.is_some() || levels(node).next().is_some();
        let mean = |name: &str| self.whole(name).and_then(|node| node.replicas).map_or(0.0, |replicas| replicas.value);
        self.most(SCALED_MAX, |node| tells(&node).then(|| mean(&node.name)))
    }

    fn whole(&self, name: &str) -> Option<&'s Node> {
        self.point.nodes.iter().find(|node| node.name == name)
    }

    /// The nodes with the largest values in any window, as many as there is room for, in the order of the model.
    fn most(&self, room: usize, value: impl Fn(&'s NodeWindow) -> Option<f64>) -> Vec<&'s str> {
        let mut largest: Vec<(&str, f64)> = Vec::new();
        for node in self.point.windows.iter().flat_map(|window| &window.nodes) {
            let Some(value) = value(node) else { continue };
            match largest.iter_mut().find(|(name, _)| *name == node.name) {
                Some((_, most)) => *most = most.max(value),
                None => largest.push((&node.name, value)),
            }
        }
        largest.sort_by(|one, other| other.1.total_cmp(&one.1));
        largest.truncate(room);
        let place = |name: &str| self.point.nodes.iter().position(|node| node.name == name).unwrap_or(usize::MAX);
        largest.sort_by_key(|(name, _)| place(name));
        largest.into_iter().map(|(name, _)| name).collect()
    }

    fn of_node(&self, name: &str, window: &'s Window) -> Option<&'s NodeWindow> {
        window.nodes.iter().find(|node| node.name == name)
    }

    /// What a node should have, what has not started yet, and what works; of a node that tells nothing of this, what is paid for.
    fn replicas(&self, name: &'s str) -> Picture {
        let mut levels: Vec<&str> = Vec::new();
        for measure in self.point.windows.iter().filter_map(|window| self.of_node(name, window)).flat_map(self::levels)
        {
            if !levels.contains(&measure.0) {
                levels.push(measure.0);
            }
        }
        let level = |(place, level): (usize, &&'s str)| {
            let told = |window: &'s Window| self::levels(self.of_node(name, window)?).find(|one| one.0 == *level);
            let (style, trace) = match *level {
                "desired" => (6, Trace::Steps),
                "starting" => (4, Trace::Dashed),
                "ready" => (2, Trace::Straight),
                _ => (place, Trace::Straight),
            };
            Line { trace, ..self.line(&level.replace('_', " "), style, |window| Some(told(window)?.1)) }
        };
        let mut lines: Vec<Line> = levels.iter().enumerate().map(level).collect();
        if lines.is_empty() {
            lines.push(self.line("paid for", 2, |window| self.of_node(name, window)?.replicas));
        }
        self.panel(format!("Replicas of {}", one_line(name)), Quantity::Count, Vec::new(), lines)
    }

    fn queues(&self) -> Picture {
        let waiting =
            |node: &NodeWindow| node.queue_length.map(|queue| queue.value).filter(|value| *value >= QUEUE_FROM);
        let names = self.most(QUEUES_MAX, waiting);
        let queue = |(place, name): (usize, &&'s str)| {
            let told = |window: &'s Window| self.of_node(name, window)?.queue_length;
            self.line(name, [3, 1, 0, 4][place % 4], told)
        };
        let lines = names.iter().enumerate().map(queue).collect();
        self.panel("Waiting in queues".to_owned(), Quantity::Count, Vec::new(), lines)
    }

    fn latency(&self) -> Picture {
        let (metric, told) = quantity(self.study, self.point.windows.iter());
        let style = if metric == Metric::P99 { 1 } else { 4 };
        let line = self.line(metric.title(), style, |window| told(operation(self.study, window)?));
        let why = if metric == Metric::P99 { "" } else { " (windows have too few requests for p99)" };
        let title = format!("{} latency{}{why}", metric.title(), of_watched(self.study));
        let panel = self.panel(title, Quantity::Seconds, limits(self.study, &[metric]), vec![line]);
        Picture { vertical: Axis { start: Start::Zero, ..panel.vertical }, ..panel }
    }

    fn cost(&self) -> Picture {
        let line = self.line("cost", 3, |window| window.cost_usd_per_hour);
        let limits = limits(self.study, &[Metric::CostPerHour]);
        self.panel("Cost, USD per hour".to_owned(), Quantity::Dollars, limits, vec![line])
    }
}

/// The levels of replicas that a node tells, such as `ready`.
fn levels(node: &NodeWindow) -> impl Iterator<Item = (&str, Interval)> {
    node.measures.iter().filter_map(|one| Some((one.name.strip_suffix("_replicas")?, one.estimate)))
}

/// The band of what cannot be negative.
fn not_negative(interval: Interval) -> Interval {
    Interval { low: interval.low.max(0.0), ..interval }
}
