//! Batches that are stopped, shared out, put together again, or whose store is not what it should be.

mod damage;
mod limits;
mod merge;
mod refined;
mod resume;
mod shards;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Points of the experiment.
const POINTS: usize = 12;
const STORE: &str = "plots/forescale.sqlite";

/// A folder with a small experiment: two variants at six loads.
struct Batch {
    folder: TempDir,
}

impl Batch {
    fn new() -> Self {
        let batch = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/techniques/service.ron");
        std::fs::copy(model, batch.path("model.ron")).expect("the model can be copied");
        batch.write_experiment("2");
        batch
    }

    /// Writes the experiment with so many replicas in its second variant.
    fn write_experiment(&self, replicas: &str) {
        let loads = r#"["40/s", "60/s", "80/s", "90/s", "100/s", "110/s"]"#;
        let text = format!(
            "Experiment(title: \"t\", model: \"model.ron\", load: Axis(path: \"nodes.visitors.rate\", values: {loads}),
             variants: {{ \"as is\": {{}}, \"more\": {{ \"nodes.web.replicas\": {replicas} }} }})"
        );
        std::fs::write(self.path("small.ron"), text).expect("the experiment can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forescale"));
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        for variable in ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"] {
            command.env_remove(variable);
        }
        command
    }

    fn forescale(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command starts")
    }

    /// `run` with more arguments.
    fn run(&self, arguments: &[&str]) -> Output {
        self.forescale(&[&["run", "small.ron", "--quick"], arguments].concat())
    }

    /// As [`Batch::run`], which must succeed; how many points were taken from the store.
    fn taken(&self, arguments: &[&str]) -> usize {
        let output = self.run(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let line = said.lines().find(|line| line.contains("points are taken from"));
        line.map_or(0, |line| line.split(' ').next().and_then(|word| word.parse().ok()).expect("a number"))
    }

    fn results(&self) -> String {
        std::fs::read_to_string(self.path("plots/small.json")).expect("results were written")
    }

    /// Finished points, as another process sees them; none if there is no store yet.
    fn rows(&self, store: &str) -> usize {
        let path = self.path(store);
        let count = |connection: rusqlite::Connection| {
            connection.busy_timeout(std::time::Duration::from_secs(10))?;
            connection.query_row("SELECT count(*) FROM finding", [], |row| row.get::<_, i64>(0))
        };
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        rusqlite::Connection::open_with_flags(path, flags).and_then(count).map_or(0, |count| count as usize)
    }

    fn sql(&self, store: &str, statements: &str) {
        let connection = rusqlite::Connection::open(self.path(store)).expect("the store opens");
        connection.execute_batch(statements).expect("the statements are right");
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The results of the experiment on one machine without an interruption, and the store.
fn whole() -> &'static (String, Vec<u8>) {
    static WHOLE: OnceLock<(String, Vec<u8>)> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let batch = Batch::new();
        assert_eq!(batch.taken(&[]), 0);
        assert_eq!(batch.rows(STORE), POINTS);
        let store = std::fs::read(batch.path(STORE)).expect("a store");
        for rest in ["-wal", "-shm", "-journal"] {
            assert!(!batch.path(&format!("{STORE}{rest}")).exists(), "a store that is closed is one file");
        }
        (batch.results(), store)
    })
}

/// A batch that is done.
fn finished() -> Batch {
    let batch = Batch::new();
    std::fs::create_dir(batch.path("plots")).expect("a folder");
    std::fs::write(batch.path(STORE), &whole().1).expect("a file");
    batch
}
