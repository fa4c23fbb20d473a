//! Options that several verbs share.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Failure;
use crate::report::chart::Formats;

/// Where searches and gates keep what they studied, unless told otherwise: where `run` keeps its points.
pub(super) const DEFAULT_STORE: &str = "plots/forescale.sqlite";

/// Options that all verbs that simulate share.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Root of all randomness: the same seed gives the same bytes
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Threads to use; the result does not depend on it [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// A first look: fewer replications, wider intervals
    #[arg(long)]
    pub(super) quick: bool,
    /// Print one JSON document on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// Where searches keep what they studied.
#[derive(Debug, Args)]
pub(super) struct Kept {
    /// The file that keeps everything that was studied
    #[arg(long, value_name = "FILE", default_value = DEFAULT_STORE)]
    pub(super) store: PathBuf,
    /// Study everything anew, whatever the store has
    #[arg(long)]
    pub(super) fresh: bool,
}

/// Where searches leave what they found.
#[derive(Debug, Args)]
pub(super) struct Drawn {
    /// Where charts and results go
    #[arg(long, default_value = "plots")]
    pub(super) out: PathBuf,
    /// Draw each chart as PNG too, 3200 by 1800 pixels, to paste where SVG is not understood
    #[arg(long)]
    pub(super) png: bool,
}

impl Drawn {
    pub(super) fn formats(&self) -> Formats {
        Formats { svg: true, png: self.png }
    }
}

impl Common {
    /// Runs `work` on as many threads as asked for.
    pub(super) fn on_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        let mut pool = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = self.threads {
            pool = pool.num_threads(usize::from(threads));
        }
        let pool = pool.build().map_err(|error| Failure::Work(format!("cannot start threads: {error}")))?;
        Ok(pool.install(work))
    }
}
