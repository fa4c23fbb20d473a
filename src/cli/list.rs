//! `forescale list`

use clap::Args;
use serde_json::json;

use crate::cli::{Verdict, print, print_json};
use crate::experiment::study::SCHEMA;
use crate::techniques::{CATALOGUE, LINK_CATALOGUE};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(&self) -> Verdict {
        let techniques: Vec<_> = CATALOGUE.iter().chain(LINK_CATALOGUE).collect();
        if self.json {
            let list: Vec<_> =
                techniques.iter().map(|one| json!({ "name": one.name, "summary": one.summary })).collect();
            print_json(&json!({ "schema": SCHEMA, "techniques": list }));
            return Ok(());
        }
        let width = techniques.iter().map(|one| one.name.len()).max().unwrap_or(0);
        for one in techniques {
            print(&format!("{:width$}  {}\n", one.name, one.summary));
        }
        Ok(())
    }
}
