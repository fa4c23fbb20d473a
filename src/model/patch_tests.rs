//! Edits by path, and where messages about them point.

use crate::diagnostic::{Diagnostics, Document};
use crate::model::{Edit, patch, read};

use super::check::toy::{Keys, Link, Nobody, Toy};

const MODEL: &str = r#"Architecture(
    name: "toy",
    nodes: {
        "users": Clients(rate: 10, calls: ["web.read"]),
        "web": Service(cores: 4, operations: {
            "read": [Compute(0.1), Call("db.v1.get")],
        }),
        "db.v1": Service(cores: 4, operations: { "get": [] }, policy: RoundRobin),
    },
    links: { "web -> db.v1": (retries: 1) },
)
"#;

fn edited(arguments: &[&str]) -> Result<Document, Diagnostics> {
    let edits: Result<Vec<_>, _> = arguments.iter().map(|argument| Edit::from_argument("--set", argument)).collect();
    patch(&Document::new("toy.ron", MODEL), &edits?)
}

/// The first line that an edit changed.
fn line(argument: &str) -> String {
    match edited(&[argument]) {
        Ok(document) => {
            let mut lines = document.text().lines().zip(MODEL.lines());
            lines.find(|(now, before)| now != before).map_or("no change".to_owned(), |(now, _)| now.trim().to_owned())
        }
        Err(diagnostics) => errors(&diagnostics).join("; "),
    }
}

fn errors(diagnostics: &Diagnostics) -> Vec<String> {
    let show = |place: &crate::diagnostic::Place| format!("{} `{}`", place.source.name, place.text());
    diagnostics.iter().map(|found| format!("{} at {}", found.code, show(&found.primary.place))).collect()
}

#[test]
fn values_are_replaced() {
    assert_eq!(line("nodes.web.cores=8"), "\"web\": Service(cores: 8, operations: {");
    assert_eq!(line("nodes . web=1"), "unknown-path at --set `nodes `");
    assert_eq!(line("name=\"other\""), "name: \"other\",");
    assert_eq!(line("nodes.web.operations.read.0=Compute(0.2)"), "\"read\": [Compute(0.2), Call(\"db.v1.get\")],");
    assert_eq!(line("nodes.users=Clients(calls: [])"), "\"users\": Clients(calls: []),");
}

#[test]
fn names_may_hold_dots_and_arrows() {
    let db =
        |value: &str| format!("\"db.v1\": Service(cores: {value}, operations: {{ \"get\": [] }}, policy: RoundRobin),");
    assert_eq!(line("nodes.db.v1.cores=5"), db("5"));
    assert_eq!(line("nodes.\"db.v1\".cores=5"), db("5"));
    assert_eq!(line("links.web -> db.v1.retries=2"), "links: { \"web -> db.v1\": (retries: 2) },");
    assert_eq!(line("links.\"web->db.v1\".retries=2"), "links: { \"web -> db.v1\": (retries: 2) },");
}

#[test]
fn what_is_not_there_is_added() {
    assert_eq!(line("links.web -> db.v1.latency_s=1"), "links: { \"web -> db.v1\": (retries: 1, latency_s: 1) },");
    assert_eq!(line("nodes.web.operations.write=[]"), "\"read\": [Compute(0.1), Call(\"db.v1.get\")], \"write\": []");
    let text =
        edited(&["nodes.web.operations.write=[]", "description=\"d\""]).map(|document| document.text().to_owned());
    let text = text.unwrap_or_default();
    assert!(text.contains("Call(\"db.v1.get\")], \"write\": []\n"), "{text}");
    assert!(text.ends_with("(retries: 1) }, description: \"d\"\n)\n"), "{text}");
    assert_eq!(
        line("nodes.db.v1.policy.choices=2"),
        "\"db.v1\": Service(cores: 4, operations: { \"get\": [] }, policy: RoundRobin(choices: 2)),"
    );
}

#[test]
fn text_needs_no_quotes_of_its_own_on_the_command_line() {
    assert_eq!(line("nodes.web.cores=12ms"), "\"web\": Service(cores: \"12ms\", operations: {");
    assert_eq!(line("nodes.web.cores=340/s"), "\"web\": Service(cores: \"340/s\", operations: {");
    assert_eq!(line("nodes.web.cores=$0.24/h"), "\"web\": Service(cores: \"$0.24/h\", operations: {");
    assert_eq!(line("nodes.web.cores=1h 30m"), "\"web\": Service(cores: \"1h 30m\", operations: {");
    assert_eq!(line("nodes.web.cores=70%"), "\"web\": Service(cores: \"70%\", operations: {");
    assert_eq!(line("nodes.web.cores=Many"), "\"web\": Service(cores: Many, operations: {");
    assert_eq!(line("nodes.web.cores=Constant(5s)"), "invalid-value at --set `Constant(5s)`");
}

#[test]
fn paths_that_lead_nowhere_are_reported() {
    assert_eq!(line("nodes.wbe.cores=8"), "unknown-path at --set `wbe`");
    assert_eq!(line("nodes.web.operations.read.7=Compute(1)"), "unknown-path at --set `7`");
    assert_eq!(line("nodes.web.cores.x=1"), "unknown-path at --set `x`");
    assert_eq!(line("nodes..web=1"), "unknown-path at --set `.`");
    assert_eq!(line("nodes.web.a b=1"), "unknown-path at --set `nodes.web.a b`");
    assert_eq!(line("nodes.web.cores"), "invalid-edit at --set `nodes.web.cores`");
    assert_eq!(line("nodes.web.cores=1, workers: 2"), "invalid-value at --set `1, workers: 2`");
    assert_eq!(line("nodes.web.cores=1 // x"), "invalid-value at --set `1 // x`");
    assert_eq!(line("nodes.web.cores="), "invalid-value at --set ``");
}

#[test]
fn messages_about_an_edit_point_to_where_it_was_written() {
    let check = |arguments: &[&str]| {
        let mut diagnostics = Diagnostics::new();
        match edited(arguments) {
            Ok(document) => drop(read::<Toy, Link, Keys, Nobody>(&document, &mut diagnostics)),
            Err(found) => diagnostics = found,
        }
        errors(&diagnostics)
    };
    assert_eq!(check(&["nodes.web.cores=8", "nodes.db.v1.cores=2"]), [""; 0]);
    assert_eq!(check(&["nodes.web.cores=\"8\""]), ["wrong-type at --set `\"8\"`"]);
    assert_eq!(check(&["nodes.web.coers=8"]), ["unknown-field at --set `coers`"]);
    assert_eq!(check(&["nodes.users.calls.0=\"wbe.read\""])[0], "unknown-node at --set `wbe`");
    assert_eq!(check(&["nodes.users.calls.0=\"web.read\"", "nodes.web.cores=0"]), ["invalid-value at --set `0`"]);
}
