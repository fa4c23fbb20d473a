//! A batch on several machines.

use std::process::Stdio;

use crate::{Batch, POINTS, said, whole};

#[test]
fn shards_put_together_are_the_run_of_one_machine() {
    let batch = Batch::new();
    let shard = |number: usize| format!("plots/small.shard-{number}-of-3.sqlite");
    for number in 1..=3 {
        assert_eq!(batch.taken(&["--shard", &format!("{number}/3")]), 0);
        assert_eq!(batch.rows(&shard(number)), POINTS / 3);
    }
    assert!(!batch.path("plots/small.json").exists(), "a part has no results");
    assert!(!batch.path("plots/forescale.sqlite").exists(), "a part has its own store");
    let merge = ["merge", &shard(1), &shard(2), &shard(3), "--into", "plots/forescale.sqlite"];
    let output = batch.forescale(&merge);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(batch.taken(&["--require-complete"]), POINTS);
    assert_eq!(batch.results(), whole().0);
}

#[test]
fn a_killed_shard_goes_on() {
    let batch = Batch::new();
    let store = "plots/small.shard-2-of-2.sqlite";
    let arguments = ["run", "small.ron", "--quick", "--shard", "2/2", "--threads", "1"];
    let mut child =
        batch.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command starts");
    while batch.rows(store) < 2 {
        assert!(child.try_wait().expect("a child").is_none_or(|status| status.success()));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("kill -9");
    child.wait().expect("it ended");
    let kept = batch.rows(store);
    assert_eq!(batch.taken(&["--shard", "2/2"]), kept);
    assert_eq!(batch.taken(&["--shard", "2/2"]), POINTS / 2);
}

#[test]
fn a_scheduler_says_which_part_it_is() {
    let batch = Batch::new();
    let run = |variables: &[(&str, &str)]| {
        let mut command = batch.command(&["run", "small.ron", "--quick", "--json", "--shard", "auto"]);
        command.envs(variables.iter().copied()).output().expect("the command starts")
    };
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "5"),
        ("SLURM_ARRAY_TASK_MIN", "4"),
        ("SLURM_ARRAY_TASK_MAX", "9"),
        ("SLURM_ARRAY_TASK_COUNT", "6"),
    ];
    let kubernetes = [("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "6")];
    let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "5"), ("AWS_BATCH_JOB_ARRAY_SIZE", "6")];
    for (variables, number) in [(&slurm[..], 2), (&kubernetes, 4), (&aws, 6)] {
        let output = run(variables);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(document["store"], format!("plots/small.shard-{number}-of-6.sqlite"));
        assert_eq!(batch.rows(&format!("plots/small.shard-{number}-of-6.sqlite")), 2);
    }
    for variables in [&slurm[..1], &kubernetes[..1], &aws[..1], &[], &[("JOB_COMPLETION_INDEX", "x")]] {
        let output = run(variables);
        assert_eq!(output.status.code(), Some(2), "{variables:?}");
    }
    for wrong in ["0/3", "4/3", "three", "1/0"] {
        let output = batch.run(&["--shard", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(said(&output).contains("--shard"), "{}", said(&output));
    }
}
