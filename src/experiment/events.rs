//! What befell single nodes and when.

use crate::engine::record::Record;
use crate::experiment::study::Event;
use crate::model::Compiled;

/// Results hold each of them.
pub const MOST_EVENTS: usize = 200;

/// What happened in a record, in the order of time, and how many events were left out.
pub fn events(compiled: &Compiled, record: &Record) -> (Vec<Event>, usize) {
    let mut happened: Vec<_> = record
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.happenings.iter().map(move |one| (one.time_ns, index, one.what)))
        .collect();
    // What happens at the same time stays in the order of the model's nodes.
    happened.sort_by_key(|(time_ns, index, _)| (*time_ns, *index));
    let left_out = happened.len().saturating_sub(MOST_EVENTS);
    happened.truncate(MOST_EVENTS);
    let event = |(time_ns, index, what): (u64, usize, &str)| Event {
        time_s: time_ns as f64 / 1e9,
        node: compiled.descriptions[index].name.clone(),
        what: what.to_owned(),
    };
    (happened.into_iter().map(event).collect(), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostics, Document};
    use crate::engine::record::{Happening, NodeRecord};
    use crate::experiment::plan::{ModelFile, load_point};

    fn record(start_ns: u64, happenings: [&[Happening]; 2]) -> Record {
        let node = |happenings: &[Happening]| NodeRecord { happenings: happenings.to_vec(), ..NodeRecord::default() };
        Record { start_ns, nodes: happenings.map(node).to_vec(), ..Record::default() }
    }

    fn at(time_ns: u64, what: &'static str) -> Happening {
        Happening { time_ns, what }
    }

    #[test]
    fn what_happens_in_several_windows_and_nodes_is_told_in_order() {
        let text = r#"Architecture(name: "two", nodes: {
            "users": Clients(rate: "1/s", mix: { "web.browse": 1 }),
            "web": Service(operations: { "browse": [ Wait(Constant("1ms")) ] }),
        })"#;
        let document = Document::new("two.ron", text.to_owned());
        let file = ModelFile { document, directory: std::path::PathBuf::new() };
        let compiled = load_point(&file, &[], true, &mut Diagnostics::new()).expect("a model without mistakes");
        let mut record = record(0, [&[at(3_000_000_000, "c")], &[at(1_000_000_000, "a"), at(3_000_000_000, "d")]]);
        record.merge(&self::record(5, [&[], &[at(1_500_000_000, "b"), at(9_000_000_000, "e")]]));
        let (told, left_out) = events(&compiled, &record);
        let told: Vec<(f64, &str, &str)> =
            told.iter().map(|event| (event.time_s, event.node.as_str(), event.what.as_str())).collect();
        let expected =
            [(1.0, "web", "a"), (1.5, "web", "b"), (3.0, "users", "c"), (3.0, "web", "d"), (9.0, "web", "e")];
        assert_eq!((told, left_out), (expected.to_vec(), 0));
        let many: Vec<Happening> = (0..=MOST_EVENTS as u64 + 6).rev().map(|time_ns| at(time_ns, "again")).collect();
        let (told, left_out) = events(&compiled, &self::record(0, [&many, &[]]));
        assert_eq!((told.len(), left_out), (MOST_EVENTS, 7));
        assert_eq!(told.last().map(|event| event.time_s), Some((MOST_EVENTS - 1) as f64 / 1e9), "the first are kept");
    }
}
