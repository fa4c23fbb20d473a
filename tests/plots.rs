//! What lies in `plots/` is what the experiments say today: same texts, same drawings, same numbers.
//!
//! To bring it up to date: `make plots`.

use std::path::{Path, PathBuf};

use forescale::diagnostic::Diagnostics;
use forescale::experiment::pipeline;
use forescale::experiment::plan;
use forescale::experiment::run::{digest, result_digest};
use forescale::experiment::study::Study;
use forescale::report::chart::{Formats, draw};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn experiments() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("experiments")).expect("there are experiments");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "ron"));
    files.sort();
    assert!(!files.is_empty(), "there are experiments");
    files
}

fn stored(experiment: &Path) -> Study {
    let name = experiment.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    let path = root().join("plots").join(format!("{name}.json"));
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; run make plots", path.display()));
    serde_json::from_str(&text).expect("a study in today's layout; run make plots")
}

#[test]
fn results_belong_to_the_experiments_and_models_of_today() {
    for path in experiments() {
        let study = stored(&path);
        let text = std::fs::read(&path).expect("the experiment can be read");
        assert_eq!(study.plan_digest, digest(&text), "{} has changed; run make plots", path.display());
        let model = path.parent().expect("a folder").join(&study.model);
        let text = std::fs::read(&model).expect("the model can be read");
        assert_eq!(study.model_digest, digest(&text), "{} has changed; run make plots", model.display());
        let mut bare = study.clone();
        bare.digest.clear();
        assert_eq!(study.digest, result_digest(&bare), "{}: the numbers are not those of the digest", path.display());
    }
}

#[test]
fn charts_are_drawings_of_the_results() {
    let target = tempfile::tempdir().expect("a temporary folder");
    for path in experiments() {
        let mut diagnostics = Diagnostics::new();
        let plan = plan::load(&path, false, None, &mut diagnostics).expect("an experiment without mistakes");
        let formats = Formats { svg: true, png: false };
        let files = draw(&stored(&path), target.path(), &plan.space.experiment.kinds(), formats)
            .expect("the charts can be written");
        assert!(!files.is_empty());
        for file in files {
            let name = file.file_name().expect("a chart has a name");
            let kept = root().join("plots").join(name);
            let same = std::fs::read(&kept).ok() == std::fs::read(&file).ok();
            assert!(same, "{} is not what the results look like; run make plots", kept.display());
        }
    }
}

#[test]
fn the_lightest_point_comes_out_as_stored() {
    for path in experiments() {
        let mut diagnostics = Diagnostics::new();
        let plan = plan::load(&path, false, None, &mut diagnostics).expect("an experiment without mistakes");
        let lightest = &plan.points[0];
        let point =
            pipeline::study(&lightest.compiled, lightest.load, &lightest.settings).expect("lawful counts").point;
        let today = serde_json::to_value(&point).expect("a point is plain data");
        let mut kept = stored(&path).variants[lightest.series].points[0].clone();
        // Verdicts and what is noted of them follow from the numbers, and are compared with the whole study.
        kept.objectives.clear();
        kept.notes.retain(|note| !note.starts_with("errors of "));
        let kept = serde_json::to_value(&kept).expect("plain data");
        assert_eq!(today, kept, "{} gives other numbers now; run make plots", path.display());
    }
}
