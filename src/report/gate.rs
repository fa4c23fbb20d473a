//! The checks of a gate, as a table, as Markdown for a pull request, and as JUnit XML for a build server.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::experiment::gate::{Check, Outcome};
use crate::experiment::metric::Metric;
use crate::experiment::study::Interval;

use super::format::{ABSENT, Quantity};
use super::rows::{Rows, quantity};
use super::table::render;
use super::text::one_line;

const HEADER: [&str; 7] = ["Variant", "Load", "Metric", "Before", "After", "Difference", "Outcome"];

/// One row for each check.
pub fn text(checks: &[Check]) -> String {
    render(Rows::new(&HEADER, 3, checks.iter().map(|check| cells(check).to_vec()).collect()))
}

/// The verdict, and the checks that did not simply pass.
pub fn markdown(name: &str, checks: &[Check]) -> String {
    let count = |outcome: Outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (failed, improved) = (count(Outcome::Failed), count(Outcome::Improved));
    let verdict = if failed == 0 { "passed" } else { "**failed**" };
    let mut text = format!(
        "### forescale gate `{}`: {verdict}\n\n{} checks: {failed} failed, {improved} improved.\n",
        one_line(name),
        checks.len()
    );
    let told: Vec<&Check> = checks.iter().filter(|check| check.outcome != Outcome::Passed).collect();
    if !told.is_empty() {
        text += &format!("\n| {} |\n|{}\n", HEADER.join(" | "), "---|".repeat(HEADER.len()));
        for check in told {
            text += &format!("| {} |\n", cells(check).map(|cell| cell.replace('|', "\\|")).join(" | "));
        }
    }
    text
}

/// One test case for each check.
pub fn junit(name: &str, checks: &[Check]) -> String {
    let mut suite = TestSuite::new(name);
    for check in checks {
        let [variant, load, metric, ..] = cells(check);
        let mut status = TestCaseStatus::success();
        if check.outcome == Outcome::Failed {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(cells(check)[3..6].join(" | "));
        }
        let mut case = TestCase::new(format!("{variant} at {load}: {metric}"), status);
        case.set_classname(name);
        suite.add_test_case(case);
    }
    let mut report = Report::new("forescale gate");
    report.add_test_suite(suite);
    report.to_string().unwrap_or_default()
}

fn cells(check: &Check) -> [String; 7] {
    let outcome = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Improved => "improved",
        Outcome::Failed => "FAILED",
    };
    let names =
        |metric: &str| [one_line(&check.variant), Quantity::Count.tick(check.load, check.load), metric.to_owned()];
    let (Some(metric), Some(difference)) = (check.metric, check.difference) else {
        let [variant, load, metric] = names(check.metric.map_or("stable", Metric::title));
        let note = check.note.as_deref().map_or_else(String::new, one_line);
        let told = |interval: Option<Interval>| {
            check.metric.map_or_else(|| ABSENT.to_owned(), |metric| quantity(metric).optional(interval))
        };
        return [variant, load, metric, told(check.before), told(check.after), note, outcome.to_owned()];
    };
    let quantity = quantity(metric);
    let [variant, load, metric] = names(metric.title());
    let told = |interval: Option<Interval>| quantity.optional(interval);
    [variant, load, metric, told(check.before), told(check.after), quantity.difference(difference), outcome.to_owned()]
}
