//! The command line: one file per verb. Text in, plain data out.
//!
//! Standard output carries results (with `--json` exactly one document), standard error everything else.

mod capacity;
mod check;
mod export;
mod find;
mod gate;
mod list;
mod merge;
mod options;
mod progress;
mod run;
mod sensitivity;
mod series;
mod shard;
mod simulate;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cli::options::{Common, DEFAULT_STORE, Drawn, Kept};
use crate::diagnostic::report::{self, Style};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::pipeline::Violation;
use crate::experiment::plan::Space;
use crate::experiment::run::{Interruption, digest, result_digest};
use crate::experiment::store::{Fault, Kind, Missing, Store};
use crate::experiment::study::SCHEMA;
use crate::units::Ratio;

const EXIT_CODES: &str = "Exit codes: 0 done (that a point is refused, with the reason, is a result too), 1 the run itself \
                          failed or a gate fell, 2 wrong input";

/// Predict how latency and cost respond to scaling techniques, before touching real infrastructure.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run experiments: every variant at every load, with charts of what comes out
    Run(run::Run),
    /// Find the highest load that meets an experiment's objectives, and what holds it there
    Capacity(capacity::Capacity),
    /// Find the cheapest configuration that meets an experiment's objectives
    Find(find::Find),
    /// Vary everything that a model assumes, and tell what moves the result and what decides the verdict
    Sensitivity(sensitivity::Sensitivity),
    /// Compare a changed model with the one before, and fail if it is worse for sure
    Gate(gate::Gate),
    /// Write results as a table in long form, one row for each quantity of each point
    Export(export::Export),
    /// Put the stores of the parts of a batch together
    Merge(merge::Merge),
    /// Simulate one model and show latency, cost and utilization
    Simulate(simulate::Simulate),
    /// Look for mistakes and doubts in models and experiments, without running them
    Check(check::Check),
    /// List the techniques a model can be made of
    List(list::List),
}

/// Why the command did not do what was asked.
enum Failure {
    /// The input is wrong; the diagnostics have been shown or go into the document.
    Input,
    /// The work itself failed.
    Work(String),
}

type Verdict = Result<(), Failure>;

/// Runs the command: 0 done, 1 the run itself failed, 2 wrong input.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verdict = match &arguments.verb {
        Verb::Run(run) => run.run(),
        Verb::Capacity(capacity) => capacity.run(),
        Verb::Find(find) => find.run(),
        Verb::Sensitivity(sensitivity) => sensitivity.run(),
        Verb::Gate(gate) => gate.run(),
        Verb::Export(export) => export.run(),
        Verb::Merge(merge) => merge.run(),
        Verb::Simulate(simulate) => simulate.run(),
        Verb::Check(check) => check.run(),
        Verb::List(list) => list.run(),
    };
    match verdict {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Input) => ExitCode::from(2),
        Err(Failure::Work(reason)) => {
            let _ = writeln!(std::io::stderr(), "error: {reason}");
            ExitCode::from(1)
        }
    }
}

/// Shows messages about the input: for people on standard error, or for tools as the one document.
fn show(diagnostics: &Diagnostics, json: bool) {
    if json && diagnostics.has_errors() {
        print_json(&serde_json::json!({
            "schema": SCHEMA,
            "diagnostics": report::json(diagnostics),
        }));
    } else if !diagnostics.is_empty() {
        let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = report::text(diagnostics, Style { width: 120, color });
        let _ = write!(std::io::stderr(), "{text}");
    }
}

/// Shows messages and gives up if there is an error among them.
fn settle(diagnostics: &Diagnostics, json: bool) -> Verdict {
    show(diagnostics, json);
    if diagnostics.has_errors() { Err(Failure::Input) } else { Ok(()) }
}

/// Writes to standard output. A reader that has gone away is no failure; a full disk ends the command with 1.
fn print(text: &str) {
    let mut output = std::io::stdout();
    if let Err(error) = output.write_all(text.as_bytes()).and_then(|()| output.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = writeln!(std::io::stderr(), "error: cannot write the results: {error}");
        std::process::exit(1);
    }
}

fn print_json(value: &impl serde::Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&(text + "\n"));
}

/// The one document of a verb that takes several experiments, with the digest of all of them.
fn print_experiments(experiments: &[serde_json::Value]) {
    let mut document = serde_json::json!({ "schema": SCHEMA, "digest": "", "experiments": experiments });
    document["digest"] = serde_json::json!(result_digest(&document));
    print_json(&document);
}

/// What a search tells of one experiment, under a key of its own.
fn search_document(space: &Space, key: &str, found: &impl serde::Serialize) -> serde_json::Value {
    let mut document = serde_json::json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "name": space.name,
        "title": space.experiment.title,
        "question": space.experiment.question,
        "model": space.experiment.model.value,
        "seed": space.settings.seed,
        "quick": space.quick,
        "model_digest": digest(space.file.document.text().as_bytes()),
        "plan_digest": digest(space.text().as_bytes()),
        "digest": result_digest(found),
        "objectives": space.objectives,
    });
    document[key] = serde_json::json!(found);
    document
}

fn violation(violation: &Violation) -> Failure {
    Failure::Work(format!(
        "a law that every run must obey was broken at node {:?}: {} (seed {}, replication {}). \
         This is a fault of forescale; please report it with the model.",
        violation.node, violation.law, violation.seed, violation.replication
    ))
}

/// What is wrong with a store: a message about the input, or why the work failed.
fn fault(found: Fault, json: bool) -> Failure {
    let Fault { kind, path, message, help } = found;
    match kind {
        Kind::Work => Failure::Work(format!("{message} ({help})")),
        Kind::Input => {
            let place = Place::whole(path.display().to_string(), "");
            show(&Diagnostic::error("invalid-store", place, message).help(help).into(), json);
            Failure::Input
        }
    }
}

fn interruption(found: Interruption, json: bool) -> Failure {
    match found {
        Interruption::Violation(broken) => violation(&broken),
        Interruption::Store(found) => fault(found, json),
    }
}

/// Edits given on the command line, but for those that are none.
fn edits(arguments: &[String], diagnostics: &mut Diagnostics) -> Vec<crate::model::Edit> {
    let mut edits = Vec::new();
    for argument in arguments {
        match crate::model::Edit::from_argument("--set", argument) {
            Ok(edit) => edits.push(edit),
            Err(found) => diagnostics.extend(found),
        }
    }
    edits
}

/// Opens a store, or makes one with the folders on the way to it.
fn open_store(path: &Path, json: bool) -> Result<Store, Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    Store::open(path, Missing::Make).map_err(|found| fault(found, json))
}

/// Writes one document of results into a folder, which is made if need be.
fn write_document(document: &impl serde::Serialize, folder: &Path, name: &str) -> Verdict {
    let failed = |error: std::io::Error| unwritable(folder, &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let text = serde_json::to_string_pretty(document).unwrap_or_default() + "\n";
    std::fs::write(folder.join(name), text).map_err(failed)
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::Work(format!("cannot write to {}: {error}", folder.display()))
}

/// That an experiment would overwrite the results of another one of this call.
fn same_name(name: &str, path: &Path) -> Diagnostic {
    let title = format!("two experiments are called {name}, and would write the same files");
    let place = Place::whole(path.display().to_string(), "");
    Diagnostic::error("duplicate-name", place, title).help("study them one by one, each with its own --out")
}

/// A share given on the command line, such as `5%`, between zero and 100%; zero if it is none, which is reported.
fn share(option: &str, text: &str, diagnostics: &mut Diagnostics) -> f64 {
    let help = "write for example 5%";
    match text.parse::<Ratio>() {
        Ok(ratio) if (0.0..1.0).contains(&ratio.value) => return ratio.value,
        Ok(_) => diagnostics.extend(wrong_option(option, text, "this share lies between 0% and 100%", help)),
        Err(error) => diagnostics.extend(wrong_option(option, text, &error.to_string(), help)),
    }
    0.0
}

/// A mistake in an option's value.
fn wrong_option(option: &str, value: &str, message: &str, help: &str) -> Diagnostics {
    Diagnostic::error("invalid-option", Place::whole(option, value), message).help(help).into()
}
