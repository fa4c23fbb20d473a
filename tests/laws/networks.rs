//! Open networks: a tandem of queues, and a Jackson network with feedback.

use crate::study::{Study, latency, model, units};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = tandem();
    checks.extend(jackson());
    checks
}

fn tandem() -> Vec<Check> {
    let study = Study::run("tandem_3", &model("tandem", &[]), units(6.0, 0.8));
    let mut sheet = Sheet::new("tandem_3");
    sheet.exact("W", study.mean("clients", latency));
    for (name, quantile) in [("T_p50", 0.5), ("T_p95", 0.95), ("T_p99", 0.99)] {
        sheet.exact(name, study.quantile("clients", latency, quantile));
    }
    sheet.checks
}

fn jackson() -> Vec<Check> {
    let study = Study::run("jackson_3node", &model("jackson", &[]), units(3.0, 1.2));
    let mut sheet = Sheet::new("jackson_3node");
    for (index, station) in ["first", "second", "third"].into_iter().enumerate() {
        sheet.exact(&format!("lam[{index}]"), study.per_time(station, |node| node.counters.arrivals as f64));
        sheet.exact(&format!("L[{index}]"), study.present(station));
    }
    let total = |clients: &forescale::engine::record::NodeRecord| {
        clients.operations.iter().map(|operation| operation.latency.sum_ns()).sum::<u128>() as f64
    };
    let spent = study.ratio("clients", total, |clients| clients.counters.completed as f64);
    sheet.exact("W_total", spent.over(crate::study::UNIT_NS));
    sheet.checks
}
