//! `forescale export RESULTS...`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::{DEFAULT_STORE, Failure, Verdict, fault, settle, wrong_option};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::plan::{self, read_file};
use crate::experiment::refine::refine;
use crate::experiment::run;
use crate::experiment::store::{Key, Missing, Store};
use crate::experiment::study::Study;
use crate::report::long;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// Results that `run` wrote, such as plots/peak.json, or experiment files whose points are all in the store
    #[arg(required = true, value_name = "EXPERIMENT")]
    experiments: Vec<PathBuf>,
    /// How rows are written
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The store that has the points of experiment files
    #[arg(long, value_name = "FILE", default_value = DEFAULT_STORE)]
    store: PathBuf,
    /// The seed that the experiments were run with
    #[arg(long)]
    seed: Option<u64>,
    /// The experiments were run with --quick
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
    /// A binary file with typed columns; needs --to
    Parquet,
}

impl Export {
    pub(super) fn run(&self) -> Verdict {
        settle(&self.check(), false)?;
        let studies = self.experiments.iter().map(|path| self.study(path)).collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<long::Row<'_>> = studies.iter().flat_map(long::rows).collect();
        match &self.to {
            Some(path) => {
                let written = File::create(path).and_then(|file| write(&rows, self.format, BufWriter::new(file)));
                written.map_err(|error| Failure::Work(format!("cannot write to {}: {error}", path.display())))
            }
            // A reader that has gone away is no failure.
            None => match write(&rows, self.format, BufWriter::new(io::stdout())) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Failure::Work(format!("cannot write to standard output: {error}")))
                }
                _ => Ok(()),
            },
        }
    }

    /// What keeps rows from being written in the format that was asked for.
    fn check(&self) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let mut wrong = |message, help| diagnostics.extend(wrong_option("--format", "parquet", message, help));
        if self.format == Format::Parquet && self.to.is_none() {
            wrong("Parquet is binary, and is written to a file only", "add for example --to rows.parquet");
        }
        if self.format == Format::Parquet && !cfg!(feature = "parquet") {
            let help = "build it with: cargo install --path . --features parquet; or write --format csv";
            wrong("this forescale was built without Parquet", help);
        }
        diagnostics
    }

    fn study(&self, path: &Path) -> Result<Study, Failure> {
        if path.extension().is_some_and(|ending| ending == "json") { self.results(path) } else { self.stored(path) }
    }

    /// What `run` wrote.
    fn results(&self, path: &Path) -> Result<Study, Failure> {
        let read = read_file(path).and_then(|document| {
            serde_json::from_str(document.text()).map_err(|error| {
                let message = format!("{} holds no results: {error}", path.display());
                let help = "name the file that `forescale run` wrote, such as plots/peak.json";
                Diagnostic::error("invalid-results", Place::whole(path.display().to_string(), ""), message)
                    .help(help)
                    .into()
            })
        });
        read.map_err(|found: Diagnostics| settle(&found, false).err().unwrap_or(Failure::Input))
    }

    /// What the store has of an experiment.
    fn stored(&self, path: &Path) -> Result<Study, Failure> {
        let mut diagnostics = Diagnostics::new();
        let plan = plan::load(path, self.quick, self.seed, &mut diagnostics);
        settle(&diagnostics, false)?;
        let Some(mut plan) = plan else { return Err(Failure::Input) };
        let store = Store::open(&self.store, Missing::Refuse);
        let findings = store.and_then(|store| {
            let mut findings = run::stored(&plan, &|_| true, &store)?;
            refine(&mut plan, &mut findings, &|_| true, &|point| store.get(&Key::of(point)))?;
            Ok(findings)
        });
        let findings = findings.map_err(|found| fault(found, false))?;
        let missing = findings.iter().filter(|finding| finding.is_none()).count();
        run::conclude(&plan, findings).ok_or_else(|| {
            let (store, points, experiment) = (self.store.display(), plan.points.len(), path.display());
            Failure::Work(format!(
                "the store {store} lacks {missing} of {points} points of {experiment} (run it first, with the same --quick \
                 and --seed, or name the results that it wrote)"
            ))
        })
    }
}

#[cfg(feature = "parquet")]
fn write_parquet(rows: &[long::Row<'_>], target: impl Write + Send) -> io::Result<()> {
    crate::report::parquet::write(rows, target)
}

/// Nobody comes here: who asks for it without the feature is told so before anything is read.
#[cfg(not(feature = "parquet"))]
fn write_parquet(_: &[long::Row<'_>], _: impl Write + Send) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write(rows: &[long::Row<'_>], format: Format, mut target: impl Write + Send) -> io::Result<()> {
    match format {
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut target);
            for row in rows {
                writer.serialize(row).map_err(|error| match error.into_kind() {
                    // A failure to write keeps its kind.
                    csv::ErrorKind::Io(error) => error,
                    other => io::Error::other(format!("{other:?}")),
                })?;
            }
            writer.flush()?;
        }
        Format::Jsonl => {
            for row in rows {
                serde_json::to_writer(&mut target, row)?;
                target.write_all(b"\n")?;
            }
        }
        Format::Parquet => return write_parquet(rows, target),
    }
    target.flush()
}
