//! Which part of a batch a machine does: `--shard 2/10`, or `--shard auto` where a scheduler says it.

use crate::cli::wrong_option;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// One of `count` parts, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    number: usize,
    count: usize,
}

/// More parts than anybody has machines.
const MOST: usize = 1_000_000;
const HELP: &str = "write K/N, such as 2/10 for the second of ten parts, or auto in an array job";

/// A scheduler that starts one job many times, and its variables.
struct Scheduler {
    name: &'static str,
    index: &'static str,
    count: &'static str,
    /// The lowest index and the distance between two of them, if they can be chosen.
    first: Option<&'static str>,
    step: Option<&'static str>,
    /// What to do if the count is missing or does not fit.
    help: &'static str,
}

const SCHEDULERS: [Scheduler; 3] = [
    Scheduler {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        count: "SLURM_ARRAY_TASK_COUNT",
        first: Some("SLURM_ARRAY_TASK_MIN"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
        help: "start the whole array without gaps, such as sbatch --array=1-10, or write K/N",
    },
    Scheduler {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        count: "JOB_COMPLETIONS",
        first: None,
        step: None,
        help: "let the manifest set JOB_COMPLETIONS to its completions, with completionMode: Indexed",
    },
    Scheduler {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        count: "AWS_BATCH_JOB_ARRAY_SIZE",
        first: None,
        step: None,
        help: "submit the job with --array-properties size=N, or write K/N",
    },
];

impl Shard {
    /// Reads the option's value.
    pub(super) fn of(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Diagnostics> {
        if text.trim() == "auto" { Self::from_scheduler(environment) } else { Self::written(text) }
    }

    /// The part that a point of the batch belongs to.
    pub(super) fn has(self, index: usize) -> bool {
        index % self.count == self.number - 1
    }

    /// The store of this part, named after what is run.
    pub(super) fn file_name(self, name: &str) -> String {
        format!("{name}.shard-{}-of-{}.sqlite", self.number, self.count)
    }

    fn written(text: &str) -> Result<Self, Diagnostics> {
        let wrong = |message: &str| wrong_option("--shard", text, message, HELP);
        let (number, count) = text.trim().split_once('/').ok_or_else(|| wrong("a shard is one of so many"))?;
        match (number.trim().parse(), count.trim().parse()) {
            (Ok(number), Ok(count)) => Self::checked(number, count).ok_or_else(|| {
                wrong(&format!("the number of a shard lies between 1 and their count, which is at most {MOST}"))
            }),
            _ => Err(wrong("the number of a shard and their count are whole numbers")),
        }
    }

    fn checked(number: usize, count: usize) -> Option<Self> {
        ((1..=count).contains(&number) && count <= MOST).then_some(Self { number, count })
    }

    fn from_scheduler(environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Diagnostics> {
        let found: Vec<&Scheduler> = SCHEDULERS.iter().filter(|one| environment(one.index).is_some()).collect();
        let wrong = |message: String, help| wrong_option("--shard", "auto", &message, help);
        match found.as_slice() {
            [only] => only.shard(environment),
            [] => {
                let known = SCHEDULERS.map(|one| format!("{} ({})", one.index, one.name)).join(", ");
                Err(wrong(format!("no scheduler says which part this is: none of {known} is set"), HELP))
            }
            [first, second, ..] => {
                let message = format!("both {} and {} say which part this is", first.index, second.index);
                Err(wrong(message, "write K/N, such as 2/10 for the second of ten parts"))
            }
        }
    }
}

impl Scheduler {
    fn shard(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Shard, Diagnostics> {
        let wrong = |message: String| -> Diagnostics {
            let place = crate::diagnostic::Place::whole("--shard", "auto");
            Diagnostic::error("invalid-option", place, message).help(self.help).into()
        };
        let number = |variable: &str| -> Result<usize, Diagnostics> {
            let text = environment(variable).ok_or_else(|| wrong(format!("{} does not say {variable}", self.name)))?;
            let number = text.trim().parse();
            number.map_err(|_| wrong(format!("{variable} is {text:?}, which is no whole number")))
        };
        let (index, count) = (number(self.index)?, number(self.count)?);
        let first = self.first.map_or(Ok(0), number)?;
        // Slurm has no step where it is 1 in some versions.
        let step = self.step.filter(|step| environment(step).is_some()).map_or(Ok(1), number)?.max(1);
        let part = index.checked_sub(first).filter(|distance| distance % step == 0).map(|distance| distance / step);
        part.and_then(|part| Shard::checked(part + 1, count))
            .ok_or_else(|| wrong(format!("{} {index} is none of {count} parts counted from {first}", self.index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(text: &str, variables: &[(&str, &str)]) -> Result<(usize, usize), String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        let title = |found: Diagnostics| found.iter().map(|one| one.title.clone()).collect();
        Shard::of(text, &value).map(|shard| (shard.number, shard.count)).map_err(title)
    }

    #[test]
    fn parts_are_written_or_said_by_a_scheduler() {
        assert_eq!(shard("2/10", &[]), Ok((2, 10)));
        let slurm = |id, first, count, step| {
            let names =
                ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP"];
            let variables: Vec<_> = names.into_iter().zip([id, first, count, step]).collect();
            shard("auto", &variables)
        };
        assert_eq!(slurm("1", "1", "4", "1"), Ok((1, 4)));
        assert_eq!(slurm("3", "0", "4", "1"), Ok((4, 4)));
        assert_eq!(slurm("15", "5", "3", "5"), Ok((3, 3)));
        assert!(slurm("9", "1", "3", "1").is_err_and(|said| said.contains("SLURM_ARRAY_TASK_ID 9")));
        assert_eq!(shard("auto", &[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "3")]), Ok((1, 3)));
        assert!(shard("auto", &[("JOB_COMPLETION_INDEX", "0")]).is_err_and(|said| said.contains("JOB_COMPLETIONS")));
        let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "2"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")];
        assert_eq!(shard("auto", &batch), Ok((3, 3)));
        let both = [batch.as_slice(), &[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "3")]].concat();
        assert!(shard("auto", &both).is_err_and(|said| said.starts_with("both")));
        assert!(shard("auto", &[("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")]).is_err());
        for wrong in ["0/3", "4/3", "1/0", "1", "a/b", "1/3/5", "-1/3", "1/99999999", ""] {
            assert!(shard(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_point_belongs_to_one_part() {
        let parts: Vec<_> = (1..=3).filter_map(|number| Shard::checked(number, 3)).collect();
        for index in 0..10 {
            assert_eq!(parts.iter().filter(|part| part.has(index)).count(), 1);
        }
    }
}
