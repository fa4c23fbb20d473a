//! What a search found: latency against cost of everything that was studied to the precision asked for.
//!
//! The front, of which nothing is both faster and cheaper, is a line; the winner and the runner-up have names. Where the
//! objectives limit no p99 of the operation that is looked at, what they do limit is drawn instead: the front is then points
//! alone, since it is one of cost and p99.

use crate::experiment::find::{Choice, Found, Studied};
use crate::experiment::metric::Metric;
use crate::experiment::study::{Interval, Objective, Verdict};
use crate::report::format::Quantity;
use crate::report::rows::quantity;

use super::picture::{Axis, Limit, Line, Naming, Picture, Refusals, Spot, Start, Uncertainty};
use super::scale::drawable;
use super::source::Source;
use super::variants::load_label;

/// Indices into the palette and the markers.
const FRONT: usize = 0;
const MISSED: usize = 1;
const MET: usize = 2;
const UNSURE: usize = 4;
const RUNNER_UP: usize = 3;
const WINNER: usize = 6;

/// The picture of one search.
pub(super) fn picture(source: &Source, found: &Found) -> Picture {
    let drawn = Drawn::of(source, found);
    let spot = |one: &Studied| match one.refusal {
        Some(_) => None,
        None => Spot::between(one.cost_usd_per_hour, drawn.value(one))
            .map(|spot| Spot { hollow: one.verdict != Verdict::Met, ..spot }),
    };
    let named = |choice: &Choice| found.studied.iter().find(|one| one.name == choice.name).and_then(spot);
    let mut marked: Vec<(&str, usize, &Choice)> = Vec::new();
    marked.extend(found.runner_up.iter().map(|one| ("runner-up", RUNNER_UP, &one.choice)));
    marked.extend(found.nearest.iter().map(|one| ("nearest", WINNER, one)));
    marked.extend(found.winner.iter().map(|one| ("cheapest", WINNER, one)));
    let is_marked = |name: &str| marked.iter().any(|(_, _, choice)| choice.name == name);
    let front = found.front.iter().map(|one| {
        let label = (!is_marked(&one.name)).then(|| one.name.clone());
        named(one).map(|spot| Spot { label, ..spot })
    });
    let front: Vec<Option<Spot>> = front.filter(Option::is_some).collect();
    let front = if drawn.is_of_the_front { front } else { apart(front) };
    let others = |wanted: Verdict| {
        let is_other = |one: &&Studied| {
            one.verdict == wanted && !is_marked(&one.name) && !found.front.iter().any(|known| known.name == one.name)
        };
        apart(found.studied.iter().filter(is_other).map(spot).collect())
    };
    let not_beaten = match drawn.is_of_the_front {
        true => "not beaten in both".to_owned(),
        false => format!("not beaten in cost and p99 of {}", found.operation),
    };
    let mut lines = vec![
        Line::of(&not_beaten, FRONT, front),
        Line::of("missed", MISSED, others(Verdict::Missed)),
        Line::of("unsure", UNSURE, others(Verdict::Unsure)),
        Line::of("met", MET, others(Verdict::Met)),
    ];
    for (role, style, choice) in &marked {
        let spot = named(choice).map(|spot| Spot { label: Some((*role).to_owned()), ..spot });
        let name = format!("{role}: {}", choice.name);
        lines.push(Line::of(&name, *style, vec![spot]));
    }
    lines.retain(|line| line.spots.iter().any(Option::is_some));
    let hollow = lines.iter().flat_map(|line| line.spots.iter().flatten()).any(|spot| spot.hollow);
    let note = if hollow { "; hollow: an objective is not met for sure" } else { "" };
    Picture {
        title: source.title.clone(),
        subtitle: format!("{} against cost at {} {}{note}", drawn.title, load_label(found.load), source.label),
        horizontal: Axis {
            title: "Cost, USD per hour".to_owned(),
            quantity: Quantity::Dollars,
            start: Start::Data,
            include: Vec::new(),
            limits: source
                .objectives
                .iter()
                .filter(|one| one.quantity == Metric::CostPerHour)
                .filter_map(limit)
                .collect(),
        },
        vertical: Axis {
            title: drawn.title.clone(),
            quantity: quantity(drawn.metric),
            start: if drawn.metric == Metric::Availability { Start::Data } else { Start::Zero },
            include: Vec::new(),
            limits: source.objectives.iter().filter(|one| drawn.is_about(one)).filter_map(limit).collect(),
        },
        refusals: left_out(found, &spot),
        lines,
        naming: Naming::List,
        uncertainty: Uncertainty::Whiskers,
        footer: source.footer.clone(),
    }
}

/// What stands on the vertical axis.
struct Drawn {
    metric: Metric,
    operation: String,
    title: String,
    /// The objective that is about it.
    objective: Option<usize>,
    /// Whether it is what the front is about.
    is_of_the_front: bool,
}

impl Drawn {
    /// p99 of the operation that is looked at if that is limited, or the first latency that is, or anything but cost that is; p99
    /// if nothing is.
    fn of(source: &Source, found: &Found) -> Self {
        let first = |is_wanted: &dyn Fn(&Objective) -> bool| source.objectives.iter().position(is_wanted);
        let is_cost = |one: &Objective| matches!(one.quantity, Metric::CostPerHour | Metric::CostPerMillion);
        let objective = first(&|one| one.quantity == Metric::P99 && one.operation == found.operation)
            .or_else(|| first(&|one| one.quantity.is_latency()))
            .or_else(|| first(&|one| !is_cost(one)));
        let limited = objective.and_then(|index| source.objectives.get(index));
        let (metric, operation) =
            limited.map_or((Metric::P99, found.operation.clone()), |one| (one.quantity, one.operation.clone()));
        let what = if metric.is_latency() { format!("{} latency", metric.title()) } else { metric.title().to_owned() };
        let of = if operation == "all" { String::new() } else { format!(" of {operation}") };
        let is_of_the_front = metric == Metric::P99 && operation == found.operation;
        Self { metric, title: what + &of, operation, objective, is_of_the_front }
    }

    fn value(&self, one: &Studied) -> Option<Interval> {
        match self.objective {
            Some(index) if !self.is_of_the_front => one.objectives.get(index)?.estimate,
            _ => one.p99_s,
        }
    }

    fn is_about(&self, objective: &Objective) -> bool {
        objective.quantity == self.metric && objective.operation == self.operation
    }
}

fn limit(objective: &Objective) -> Option<Limit> {
    drawable(objective.limit).then(|| Limit { value: objective.limit, text: objective.name.clone() })
}

/// Points that no line joins.
fn apart(spots: Vec<Option<Spot>>) -> Vec<Option<Spot>> {
    spots.into_iter().flatten().flat_map(|spot| [Some(spot), None]).collect()
}

/// How many have no numbers to draw, and why.
fn left_out(found: &Found, spot: &dyn Fn(&Studied) -> Option<Spot>) -> Vec<Refusals> {
    let without = found.studied.iter().filter(|one| spot(one).is_none());
    let mut reasons: Vec<String> = without
        .map(|one| one.refusal.as_ref().map_or_else(|| "without a number".to_owned(), |code| code.replace('_', " ")))
        .collect();
    reasons.sort_unstable();
    let told: Vec<String> =
        reasons.chunk_by(|one, other| one == other).map(|same| format!("{} {}", same.len(), same[0])).collect();
    let text = format!("not drawn: {}", told.join(", "));
    if told.is_empty() { Vec::new() } else { vec![Refusals { text, style: MISSED, places: Vec::new() }] }
}
