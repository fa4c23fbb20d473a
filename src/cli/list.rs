//! `forescale list`

use clap::Args;
use serde_json::json;

use crate::cli::{Verdict, print, print_json};
use crate::controllers;
use crate::experiment::study::SCHEMA;
use crate::techniques::{CATALOGUE, CatalogueEntry, LINK_CATALOGUE, SHARDS_CATALOGUE};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(&self) -> Verdict {
        let techniques: Vec<_> = CATALOGUE.iter().chain(LINK_CATALOGUE).chain(SHARDS_CATALOGUE).collect();
        let controllers = controllers::CATALOGUE;
        if self.json {
            let described = |one: &CatalogueEntry| json!({ "name": one.name, "summary": one.summary });
            let list: Vec<_> = techniques.iter().map(|one| described(one)).collect();
            let controllers: Vec<_> = controllers.iter().map(described).collect();
            print_json(&json!({ "schema": SCHEMA, "techniques": list, "controllers": controllers }));
            return Ok(());
        }
        let width = techniques.iter().copied().chain(controllers).map(|one| one.name.len()).max().unwrap_or(0);
        let line = |one: &CatalogueEntry| print(&format!("{:width$}  {}\n", one.name, one.summary));
        techniques.iter().for_each(|one| line(one));
        controllers.iter().for_each(line);
        Ok(())
    }
}
