//! The number present at given moments, over many short runs: M(t)/M/infinity and M/G/infinity from empty.

use crate::study::{Measured, Study, model, replicate};
use crate::verdict::{Check, Sheet};

pub fn checks() -> Vec<Check> {
    let mut checks = sine();
    checks.extend(infinite_servers());
    checks
}

/// Two periods are far more than the second that the past is remembered for.
fn sine() -> Vec<Check> {
    let mut sheet = Sheet::new("mtminf");
    let moments = [("m0", 48.0), ("m6", 54.0), ("peak", 54.978_049_536), ("m12", 60.0)];
    let counts = replicate(&model("time_varying", &[]), "mtminf", 600, |_, simulation| {
        moments.map(|(_, seconds)| {
            simulation.run_until((seconds * 1e9) as u64).expect("the run reaches this moment");
            f64::from(simulation.in_flight())
        })
    });
    for (index, (name, _)) in moments.iter().enumerate() {
        let samples: Vec<f64> = counts.iter().map(|counts| counts[index]).collect();
        sheet.exact(name, Measured::mean(&samples));
    }
    sheet.checks
}

fn infinite_servers() -> Vec<Check> {
    let compiled = model("infinite_servers", &[]);
    let mut sheet = Sheet::new("mminf");
    sheet.exact("L", Study::run("mminf", &compiled, 1e7).present("server"));
    let early = replicate(&compiled, "mminf early", 4000, |_, simulation| {
        simulation.run_until(500_000_000).expect("half a second");
        f64::from(simulation.in_flight())
    });
    sheet.exact("L_at_t0p5", Measured::mean(&early));
    let shares = replicate(&compiled, "mminf states", 40, |_, simulation| {
        let (mut many, mut none) = (0.0, 0.0);
        let looks = 20_000;
        for look in 0..looks {
            simulation.run_until(5_000_000_000 + look * 500_000_000).expect("the run goes on");
            many += f64::from(u8::from(simulation.in_flight() > 15));
            none += f64::from(u8::from(simulation.in_flight() == 0));
        }
        (many / looks as f64, none / looks as f64)
    });
    sheet.exact("P_more_than_15", Measured::mean(&shares.iter().map(|share| share.0).collect::<Vec<_>>()));
    sheet.wide("P0", Measured::mean(&shares.iter().map(|share| share.1).collect::<Vec<_>>()));
    sheet.checks
}
