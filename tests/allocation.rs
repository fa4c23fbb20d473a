//! Events of a run that has found its rhythm allocate nothing.

use allocation_counter::measure;
use forescale::diagnostic::{Diagnostics, Document};
use forescale::engine::simulation::Limits;
use forescale::model::{Model, compile, read};
use forescale::random::Seed;

/// Events for each allocation that a run may still make: a table doubles when more meets in it than ever before, and each
/// slot of the calendar is such a table.
const EVENTS_PER_ALLOCATION: u64 = 5_000;

#[test]
fn a_steady_run_allocates_nothing() {
    for (path, warm_up_s, end_s) in [
        ("models/bench/w1.ron", 400, 800),
        ("models/bench/w2.ron", 400, 800),
        ("models/bench/w3.ron", 400, 800),
        ("models/bench/w4.ron", 60, 90),
        ("models/techniques/cache.ron", 3_600, 4_000),
        ("models/techniques/queue.ron", 1_000, 4_000),
        ("models/aurora_data.ron", 2_000, 2_400),
    ] {
        let text = std::fs::read_to_string(path).expect("a model of this repository");
        let document = Document::new(path, text);
        let mut model: Model = read(&document, &mut Diagnostics::new()).expect("a model without mistakes");
        // Controllers think every few seconds, and take memory for it.
        model.controllers = Default::default();
        let compiled = compile(&model, &document, "models".as_ref()).expect("a model that compiles");
        let mut simulation = compiled.simulation(Seed::new(1, 0), Limits::default());
        simulation.run_until(warm_up_s * 1_000_000_000).expect("the run goes on");
        let before = simulation.events();
        let counted = measure(|| simulation.run_until(end_s * 1_000_000_000).expect("the run goes on"));
        let events = simulation.events() - before;
        println!("{path}: {} allocations in {events} events", counted.count_total);
        assert!(events > 100_000, "{path}: {events} events show nothing");
        let most = events / EVENTS_PER_ALLOCATION;
        assert!(counted.count_total <= most, "{path}: {} allocations in {events} events", counted.count_total);
    }
}
