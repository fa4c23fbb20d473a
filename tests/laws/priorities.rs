//! Classes that overtake each other in the queue without interrupting service.

use crate::study::{Study, latency, model, units};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for (row, prefix, servers, rates, millions) in [
        ("priority_exp2", "Wq_nonpreemptive", "1", vec![300, 500], 10.0),
        ("priority_exp3", "Wq_nonpreemptive", "1", vec![200, 300, 350], 16.0),
        ("priority_mmc", "Wq", "4", vec![1000, 2000], 16.0),
    ] {
        let names = ["first", "second", "third"];
        let mut edits = vec![
            ("nodes.server.cpu".to_owned(), servers.to_owned()),
            ("nodes.server.workers".to_owned(), servers.to_owned()),
        ];
        for (index, name) in names.iter().enumerate() {
            // A class that a row does not have sends one request a day: too few to matter.
            let rate = rates.get(index).map_or("\"1/d\"".to_owned(), |rate| format!("\"{rate}/s\""));
            edits.push((format!("nodes.{name}.rate"), rate));
        }
        let edits: Vec<(&str, &str)> = edits.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        let rate = f64::from(rates.iter().sum::<i32>()) / 1000.0;
        let study = Study::run(row, &model("priority", &edits), units(millions, rate));
        let mut sheet = Sheet::new(row);
        for (index, name) in names.iter().take(rates.len()).enumerate() {
            sheet.exact(&format!("{prefix}[{index}]"), study.mean(name, latency).minus(1.0));
        }
        checks.extend(sheet.checks);
    }
    checks
}
