//! Tables for a terminal.

use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::experiment::agreement::Theory;
use crate::experiment::capacity::Capacity;
use crate::experiment::find::Found;
use crate::experiment::sensitivity::Sensitivity;
use crate::experiment::study::{Objective, Point, Study};

use super::format::Quantity;
use super::rows::{self, Rows};
use super::text::one_line;

/// A study: what it asks, one row for each variant and load, and below them why some have no numbers.
pub fn study(study: &Study) -> String {
    let heading = [Some(&study.title), study.question.as_ref()];
    let mut text: String = heading.into_iter().flatten().map(|line| one_line(line) + "\n").collect();
    text.push_str(&render(rows::study(study)));
    let differences = rows::differences(study);
    if !differences.rows.is_empty() {
        text.push_str(&format!("\nAgainst {}, with the same arrivals and demands:\n", one_line(&study.baseline)));
        text.push_str(&render(differences));
        text.push_str("In parentheses: chance may explain it (Holm's procedure, 5% for each column).\n\n");
    }
    let over_time = rows::over_time(study);
    if !over_time.rows.is_empty() {
        text.push_str("Over the whole time:\n");
        text.push_str(&render(over_time));
        text.push('\n');
    }
    if study.quick {
        text.push_str("A quick first look: leave --quick out before deciding.\n");
    }
    for remark in rows::remarks(study) {
        text.push_str(&remark);
        text.push('\n');
    }
    text
}

/// What the clients saw: one row for each operation.
pub fn operations(point: &Point) -> String {
    render(rows::operations(point))
}

/// What happened inside: one row for each node. Columns in which no node has a number are left out.
pub fn nodes(point: &Point) -> String {
    render(rows::nodes(point))
}

/// What only some techniques tell of themselves, such as a hit ratio: one row for each; nothing if there is none.
pub fn measures(point: &Point) -> String {
    let rows = rows::measures(point);
    if rows.rows.is_empty() { String::new() } else { render(rows) }
}

/// What befell single nodes in the first replication: one row for each event; nothing if there is none.
pub fn events(point: &Point) -> String {
    let rows = rows::events(point);
    if rows.rows.is_empty() { String::new() } else { format!("In the first replication\n{}", render(rows)) }
}

/// Theory beside simulation: one row for each number that has a closed form, one line for each part that has none.
pub fn theory(theory: &Theory) -> String {
    let mut text = "Theory\n".to_owned();
    if !theory.predictions.is_empty() {
        text.push_str(&render(rows::theory(theory)));
        text.push_str("agrees: in the 95% interval; close: out by less than its half width; differs: by more.\n");
    }
    for without in &theory.without {
        text.push_str(&format!("No closed form for {}: {}.\n", one_line(&without.name), one_line(&without.reason)));
    }
    text
}

/// What the point costs, in a line; nothing if nothing has a price.
pub fn cost(point: &Point) -> String {
    match (point.cost_usd_per_hour, point.cost_usd_per_million_requests) {
        (Some(per_hour), Some(per_million)) if per_hour.value > 0.0 => {
            let (per_hour, per_million) =
                (Quantity::Dollars.interval(per_hour), Quantity::Dollars.interval(per_million));
            format!("cost: {per_hour} per hour, {per_million} per million requests\n")
        }
        _ => String::new(),
    }
}

/// What each series of an experiment carries within its objectives, and what holds it there.
pub fn capacities(title: &str, label: &str, objectives: &[Objective], capacities: &[Capacity]) -> String {
    let objectives: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
    format!(
        "{}\nThe most {} at which {}:\n{}",
        one_line(title),
        one_line(label),
        one_line(&objectives.join(" and ")),
        render(super::capacity::rows(label, capacities))
    )
}

/// The cheapest configuration of an experiment, what comes next, and what cannot be had both faster and cheaper.
pub fn found(title: &str, label: &str, objectives: &[Objective], found: &Found) -> String {
    format!("{}\n{}", one_line(title), super::find::text(label, objectives, found))
}

/// What the assumptions of a model do to its variants at one load.
pub fn sensitivity(title: &str, label: &str, objectives: &[Objective], found: &Sensitivity) -> String {
    let names: Vec<&str> = objectives.iter().map(|objective| objective.name.as_str()).collect();
    let asked = if names.is_empty() { "whether the load is held".to_owned() } else { names.join(" and ") };
    let load = Quantity::Count.tick(found.load, found.load);
    let mut text = format!(
        "{}\nAt {} {}: {}, over {} draws of what the model assumes:\n{}",
        one_line(title),
        load,
        one_line(label),
        one_line(&asked),
        found.draws,
        render(super::sensitivity::series(found))
    );
    for one in &found.series {
        let rows = super::sensitivity::effects(one);
        if rows.rows.is_empty() {
            text.push_str(&format!("\n{}: no assumption moves p99 for sure.\n", one_line(&one.variant)));
        } else {
            text.push_str(&format!("\nWhat moves p99 of {}:\n{}", one_line(&one.variant), render(rows)));
        }
    }
    text.push_str("\nWhat decides (rank tests, Holm's procedure, 5% for each variant):\n");
    let sentences = super::sensitivity::remarks(found);
    sentences.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    if let Some(decision) = &found.decision {
        text.push_str("\nThe cheapest that meets all objectives:\n");
        super::sensitivity::decision(decision).iter().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    text
}

pub(super) fn render(rows: Rows) -> String {
    let align = |column: usize| if column < rows.names { CellAlignment::Left } else { CellAlignment::Right };
    let cells = |row: &[String]| -> Vec<Cell> {
        row.iter().enumerate().map(|(column, text)| Cell::new(text).set_alignment(align(column))).collect()
    };
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(cells(&rows.header));
    for row in &rows.rows {
        table.add_row(cells(row));
    }
    // The preset rules off every row; a terminal's lines are too few for that.
    table.remove_style(comfy_table::TableComponent::HorizontalLines);
    table.remove_style(comfy_table::TableComponent::MiddleIntersections);
    let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    if rows.rows.is_empty() {
        text.push_str("no rows\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn a_study_shows_numbers_and_refusals() {
        let text = super::study(&synthetic::study());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_study_of_a_given_length_shows_what_came_of_it() {
        let mut study = synthetic::with_scaling();
        study.variants.truncate(1);
        for node in
            study.variants[0].points.iter_mut().flat_map(|point| &mut point.nodes).filter(|one| one.name == "shop")
        {
            (node.replicas, node.replica_hours) =
                (Some(synthetic::around(6.5, 0.1)), Some(synthetic::around(6.5, 0.1)));
        }
        let point = &study.variants[0].points[3];
        insta::assert_snapshot!([super::study(&study), nodes(point), events(point)].join("\n"));
    }

    #[test]
    fn a_point_shows_its_operations_and_nodes() {
        let point = synthetic::point(10_000.0, 0.08, 24_000.0);
        insta::assert_snapshot!([operations(&point), nodes(&point), measures(&point), cost(&point)].join("\n"));
    }

    #[test]
    fn a_sensitivity_study_shows_what_decides() {
        let text = super::sensitivity("Is it enough?", "users", &[], &synthetic::sensitivity());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn empty_and_refused_points_have_tables_too() {
        let point = synthetic::refused(1.0, "no_requests");
        assert!(operations(&point).contains("no rows"));
        assert!(nodes(&point).contains("no rows"));
        let mut study = synthetic::study();
        study.variants.clear();
        assert!(super::study(&study).contains("no rows"));
    }
}
