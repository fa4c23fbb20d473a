//! The table of `forescale capacity`.

use crate::experiment::capacity::{Binding, Capacity, Carried};

use super::format::{ABSENT, Quantity};
use super::rows::Rows;
use super::text::one_line;

/// One row for each series.
pub(super) fn rows(label: &str, capacities: &[Capacity]) -> Rows {
    let most = format!("Most {label}");
    let header =
        ["Variant", &most, "Headroom", "Then misses", "Binds", "Cost per hour", "With twice of it", "Then binds"];
    let row = |one: &Capacity| {
        let relieved = one.relieved.as_ref();
        vec![
            one_line(&one.variant),
            loads(&one.carried),
            Quantity::Ratio.optional(one.headroom_ratio),
            one.carried.limited_by.as_deref().map_or_else(|| ABSENT.to_owned(), one_line),
            binds(one.carried.binding.as_ref()),
            Quantity::Dollars.optional(one.carried.cost_usd_per_hour),
            relieved.map_or_else(|| ABSENT.to_owned(), loads),
            binds(relieved.and_then(|relieved| relieved.binding.as_ref())),
        ]
    };
    Rows::new(&header, 1, capacities.iter().map(row).collect())
}

/// `11.8k to 12.0k`, `below 1`, `above 5M`.
fn loads(carried: &Carried) -> String {
    let load = |load: f64| Quantity::Count.tick(load, load);
    match (carried.met_load, carried.missed_load) {
        (Some(met), Some(missed)) => format!("{} to {}", load(met), load(missed)),
        (Some(met), None) => format!("above {}", load(met)),
        (None, Some(missed)) => format!("below {}", load(missed)),
        (None, None) => "cannot be told".to_owned(),
    }
}

/// `web replicas 4`.
fn binds(binding: Option<&Binding>) -> String {
    binding.map_or_else(
        || ABSENT.to_owned(),
        |one| format!("{} {} {}", one_line(&one.node), one.field.replace('_', " "), one.value),
    )
}
