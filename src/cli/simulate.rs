//! `forescale simulate MODEL`

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::{Common, Verdict, edits, print, print_json, progress, settle, show, violation, wrong_option};
use crate::diagnostic::Diagnostics;
use crate::experiment::agreement::{self, Theory};
use crate::experiment::pipeline::{Horizon, Settings, UnfitWindow, study};
use crate::experiment::plan::{ModelFile, check_moments, load_point, model_of, read_file};
use crate::experiment::run::{digest, result_digest};
use crate::experiment::study::{Point, SCHEMA};
use crate::report::table;
use crate::units::Duration;

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// A model file
    model: PathBuf,
    /// Change the model for this run, for example nodes.web.replicas=4
    ///
    /// Text, and numbers with units, need no quotes of their own: --set nodes.customers.rate=340/s. Quote the whole for the
    /// shell when it holds blanks, `$`, `>`, quotes or brackets: --set 'nodes.web.price=$0.24/h',
    /// --set 'links.web -> db.timeout=2s', --set 'nodes.customers.think=Exponential("5s")'.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Look at this long from an empty start, instead of at the long run
    #[arg(long, value_name = "DURATION")]
    duration: Option<String>,
    /// Tell it in windows of this length [default: a twenty-fourth of the duration]
    #[arg(long, value_name = "DURATION", requires = "duration")]
    window: Option<String>,
    /// Independent replications [default: 20, with --quick 8]
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    replications: Option<u32>,
    /// Show what queueing theory says beside what the simulation found, and where it has nothing to say
    #[arg(long, conflicts_with = "duration")]
    explain_theory: bool,
    #[command(flatten)]
    common: Common,
}

/// What `simulate --json` prints.
#[derive(Serialize)]
struct Simulated {
    schema: u32,
    version: &'static str,
    model: String,
    model_digest: String,
    edits: Vec<String>,
    seed: u64,
    digest: String,
    #[serde(flatten)]
    point: Point,
    /// Not part of the digest, because it is no result.
    #[serde(skip_serializing_if = "Option::is_none")]
    theory: Option<Theory>,
}

impl Simulate {
    pub(super) fn run(&self) -> Verdict {
        let common = &self.common;
        let settings = self.settings().or_else(|found| settle(&found, common.json).map(|()| Settings::default()))?;
        let document = match read_file(&self.model) {
            Ok(document) => document,
            Err(found) => return settle(&found, common.json),
        };
        let mut diagnostics = Diagnostics::new();
        let edits = edits(&self.set, &mut diagnostics);
        let model_digest = digest(document.text().as_bytes());
        let file = ModelFile { document, directory: self.model.parent().unwrap_or(Path::new("")).to_owned() };
        let compiled = load_point(&file, &edits, true, &mut diagnostics).filter(|_| !diagnostics.has_errors());
        let Some(compiled) = compiled else {
            return settle(&diagnostics, common.json);
        };
        check_moments(&file, &edits, &settings.horizon, &mut diagnostics);
        show(&diagnostics, false);
        let sign = progress::sign_of_life();
        let found = common.on_threads(|| study(&compiled, 0.0, &settings))?.map_err(|broken| violation(&broken))?;
        sign.finish_and_clear();
        let mut result = Simulated {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            // Without the directories: from where it is run is not what is run.
            model: self.model.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            model_digest,
            edits: self.set.clone(),
            seed: settings.seed,
            digest: String::new(),
            point: found.point,
            theory: None,
        };
        result.digest = result_digest(&result);
        if self.explain_theory {
            let said = model_of(&file, &edits).map(|model| crate::theory::explain(&model, &file.directory));
            result.theory = said.map(|said| agreement::compare(&said, &result.point));
        }
        if common.json {
            print_json(&result);
        } else {
            print(&text(&result));
        }
        Ok(())
    }

    fn settings(&self) -> Result<Settings, Diagnostics> {
        let mut settings = if self.common.quick { Settings::quick() } else { Settings::default() };
        settings.seed = self.common.seed.unwrap_or(settings.seed);
        settings.replications = self.replications.unwrap_or(settings.replications);
        if let Some(duration) = &self.duration {
            settings.horizon = horizon(duration, self.window.as_deref())?;
        }
        Ok(settings)
    }
}

fn horizon(duration: &str, window: Option<&str>) -> Result<Horizon, Diagnostics> {
    let parse = |option: &str, text: &str, example: &str| {
        text.parse::<Duration>().map_err(|error| wrong_option(option, text, &error.to_string(), example))
    };
    const EXAMPLE: &str = "write for example 10m";
    let duration_ns = parse("--duration", duration, EXAMPLE)?.ns;
    if duration_ns == 0 {
        return Err(wrong_option("--duration", duration, "a run of no time finds nothing", EXAMPLE));
    }
    let Some(window) = window else { return Ok(Horizon::over(duration_ns)) };
    let window_ns = parse("--window", window, "write for example 10s")?.ns;
    let unfit = |unfit: UnfitWindow| wrong_option("--window", window, unfit.message(), unfit.help());
    Horizon::in_windows(duration_ns, window_ns).map_err(unfit)
}

fn text(result: &Simulated) -> String {
    let point = &result.point;
    let mut text = String::new();
    if let Some(refusal) = &point.refusal {
        text += &format!("no numbers: {} ({})\n", refusal.code, refusal.reason);
    } else {
        text += &table::operations(point);
        text += "\n";
        text += &table::nodes(point);
        text += "\n";
        text += &table::events(point);
        let (measures, cost) = (table::measures(point), table::cost(point));
        if !measures.is_empty() {
            text += &measures;
            text += "\n";
        }
        text += &cost;
    }
    if let Some(theory) = &result.theory {
        text += "\n";
        text += &table::theory(theory);
        text += "\n";
    }
    for operation in &point.operations {
        if let Some(note) = &operation.note {
            text += &format!("{}: {note}\n", operation.name);
        }
    }
    for note in &point.notes {
        text += &format!("{note}\n");
    }
    text += &format!(
        "{} replications of {:.6} s, {} requests, seed {}, digest {}\n",
        point.replications,
        point.simulated_s,
        point.requests,
        result.seed,
        &result.digest[..16]
    );
    text
}
