//! Measured durations from a CSV file.

use std::path::Path;

use super::DistributionError;
use crate::files;
use crate::units::Duration;

/// The values of `column` in nanoseconds, in the order of the file. Every line must hold one.
pub(super) fn read_samples(
    base_directory: &Path,
    file: &str,
    column: &str,
    unit_ns: u64,
) -> Result<Vec<u64>, DistributionError> {
    let path = base_directory.join(file);
    let unreadable = |error: &dyn std::fmt::Display| {
        DistributionError::new(format!("\"{file}\" cannot be read: {error}"))
            .help(format!("the path is relative to {}", base_directory.display()))
    };
    let opened = files::open(&path).map_err(|error| unreadable(&error))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(opened);

    let headers = reader.headers().map_err(|error| unreadable(&error))?;
    let Some(position) = headers.iter().position(|header| header == column) else {
        let known = headers.iter().take(20).collect::<Vec<_>>().join(", ");
        return Err(DistributionError::new(format!("\"{file}\" has no column \"{column}\""))
            .help(format!("its columns are: {known}")));
    };
    let mut values = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| unreadable(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        let text = record.get(position).unwrap_or_default();
        values.push(value_ns(text, unit_ns).map_err(|why| {
            DistributionError::new(format!("\"{file}\" line {line}: \"{text}\" is not a duration: {why}"))
        })?);
    }
    Ok(values)
}

fn value_ns(text: &str, unit_ns: u64) -> Result<u64, &'static str> {
    let value: f64 = text.parse().map_err(|_| "a number is wanted")?;
    let ns = (value * unit_ns as f64).round();
    if ns.is_nan() || ns < 0.0 {
        return Err("0 or more is wanted");
    }
    if ns > Duration::LONGEST.ns as f64 {
        return Err("it is longer than ten years");
    }
    Ok(ns as u64)
}
