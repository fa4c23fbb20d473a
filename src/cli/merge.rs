//! `forescale merge STORE... --into STORE`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::{Failure, Verdict, fault, print, print_json, settle};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::experiment::store::{Fault, Merged, Missing, Store};
use crate::experiment::study::SCHEMA;

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Stores to take the points of; they are left as they are
    #[arg(required = true, value_name = "STORE")]
    stores: Vec<PathBuf>,
    /// The store that gets them, made if there is none
    #[arg(long, value_name = "STORE")]
    into: PathBuf,
    /// Print one JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(super) fn run(&self) -> Verdict {
        let mut diagnostics = Diagnostics::new();
        for path in self.stores.iter().filter(|path| is_same(path, &self.into)) {
            let shown = path.display().to_string();
            let message = format!("{shown} cannot be merged into itself");
            let help = "leave it out, or name another file with --into";
            diagnostics.push(Diagnostic::error("invalid-store", Place::whole(shown, ""), message).help(help));
        }
        settle(&diagnostics, self.json)?;
        let (all, damaged) = self.merged().map_err(|found| fault(found, self.json))?;
        let into = self.into.display();
        if self.json {
            print_json(&json!({
                "schema": SCHEMA,
                "store": into.to_string(),
                "stores": self.stores.len(),
                "points_added": all.added,
                "points_known": all.known,
                "points_damaged": damaged.len(),
            }));
        } else {
            print(&format!("{} points added to {into}, {} were there already\n", all.added, all.known));
        }
        for row in &damaged {
            eprintln!("left out: {}", row.message);
        }
        if damaged.is_empty() {
            Ok(())
        } else {
            Err(Failure::Work(format!(
                "{} damaged points were left out; run the experiment to study them",
                damaged.len()
            )))
        }
    }

    fn merged(&self) -> Result<(Merged, Vec<Fault>), Fault> {
        // Every store is looked at before the first one is taken over. One at a time: there may be more than a process may
        // have open.
        let open = |path: &PathBuf| Store::open(path, Missing::Refuse);
        for path in &self.stores {
            open(path)?;
        }
        let into = Store::open(&self.into, Missing::Make)?;
        let mut all = Merged::default();
        let mut damaged = Vec::new();
        for path in &self.stores {
            let merged = into.take_over(&open(path)?)?;
            all.added += merged.added;
            all.known += merged.known;
            damaged.extend(merged.damaged);
        }
        Ok((all, damaged))
    }
}

fn is_same(path: &Path, other: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| other.canonicalize().is_ok_and(|other| path == other))
}
