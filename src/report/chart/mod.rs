//! Charts of a study, of a search and of a sensitivity study, as SVG and PNG, legible on a slide.
//!
//! One file per kind of chart says what it shows, as a plain `Picture`; `render` draws any picture on any
//! backend. The same study gives the same bytes.

mod axes;
mod bitmap;
mod canvas;
mod cheapest;
mod cost;
mod course;
mod encode;
mod labels;
mod latency;
mod latency_against_cost;
mod latency_over_time;
mod latency_percentiles;
mod limits;
mod measures;
mod names;
mod palette;
mod panels;
mod picture;
mod refusals;
mod render;
mod scale;
mod selection;
mod slug;
mod source;
mod style;
mod timeline;
mod tornado;
mod utilization;
mod variants;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use plotters::backend::DrawingBackend;

use crate::experiment::find::Found;
use crate::experiment::sensitivity::Sensitivity;
use crate::experiment::study::{ChartKind, Study};
use canvas::{Canvas, Drawn};
use encode::Drawing;
use picture::Picture;
use selection::{groups, shown};
pub use source::Source;
use timeline::Timeline;

/// Which files to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    pub svg: bool,
    /// 3200 by 1800 pixels.
    pub png: bool,
}

/// A chart that knows its file name but not yet its format.
#[derive(Clone, Debug)]
pub struct Chart {
    pub kind: ChartKind,
    /// File name without its ending, different for every chart of a study.
    pub stem: String,
    shown: Shown,
}

/// What a chart of a study shows.
#[derive(Clone, Debug)]
enum Shown {
    Picture(Picture),
    Timeline(Timeline),
}

impl Drawing for Shown {
    fn description(&self) -> String {
        match self {
            Self::Picture(picture) => picture.description(),
            Self::Timeline(timeline) => timeline.description(),
        }
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB> {
        match self {
            Self::Picture(picture) => picture.draw(canvas),
            Self::Timeline(timeline) => timeline.draw(canvas),
        }
    }
}

impl Chart {
    /// What the picture shows, in one line: the alternative text where it cannot be seen.
    pub fn description(&self) -> String {
        self.shown.description()
    }

    /// The chart as an SVG document.
    pub fn svg(&self) -> io::Result<String> {
        encode::svg(&self.shown)
    }

    /// The chart as a PNG file.
    pub fn png(&self) -> io::Result<Vec<u8>> {
        encode::png(&self.shown)
    }
}

/// The charts of the given kinds, each kind once, in the order of [`ChartKind::ALL`].
pub fn charts(study: &Study, kinds: &[ChartKind]) -> Vec<Chart> {
    // A variant called "against cost" must not take the file name of the frontier.
    let slugs = slug::unique_slugs(study.variants.iter().map(|variant| variant.name.as_str()), &["against-cost"]);
    let name = slug::file_stem(&study.name);
    let groups = groups(study);
    let mut charts = Vec::new();
    let mut taken = BTreeSet::new();
    let mut add = |kind, suffix: String, shown: Shown| {
        // Names of groups and of series may meet, however they are chosen.
        let mut stem = format!("{name}-{suffix}");
        let mut number = 2;
        while !taken.insert(stem.clone()) {
            stem = format!("{name}-{suffix}-{number}");
            number += 1;
        }
        charts.push(Chart { kind, stem, shown });
    };
    for kind in ChartKind::ALL.into_iter().filter(|kind| kinds.contains(kind)) {
        let mut picture = |suffix: String, picture: Picture| add(kind, suffix, Shown::Picture(picture));
        match kind {
            ChartKind::Latency => {
                groups.iter().for_each(|one| picture(one.name("latency"), latency::picture(&one.study, &one.of_whom)));
            }
            ChartKind::LatencyPercentiles => {
                for index in shown(study) {
                    picture(format!("latency-{}", slugs[index]), latency_percentiles::picture(study, index));
                }
            }
            ChartKind::Cost => {
                groups.iter().for_each(|one| picture(one.name("cost"), cost::per_hour(&one.study, &one.of_whom)));
            }
            ChartKind::CostPerMillion => {
                for one in &groups {
                    picture(one.name("cost-per-million"), cost::per_million(&one.study, one.of_whom_if_some()));
                }
            }
            ChartKind::LatencyAgainstCost => {
                if let Some(first) = groups.first() {
                    let shown = latency_against_cost::picture(&first.study, first.of_whom_if_some());
                    picture("latency-against-cost".to_owned(), shown);
                }
            }
            ChartKind::Utilization => {
                for index in shown(study) {
                    picture(format!("utilization-{}", slugs[index]), utilization::picture(study, index));
                }
            }
            // The long run has no course.
            ChartKind::LatencyOverTime => {
                for one in &groups {
                    if let Some(shown) = latency_over_time::picture(&one.study, &one.of_whom) {
                        picture(one.name("latency-over-time"), shown);
                    }
                }
            }
            ChartKind::Measures => {
                for watched in &study.measures {
                    for one in &groups {
                        if let Some(shown) = measures::picture(&one.study, watched, &one.of_whom) {
                            let of = format!("{} {}", watched.node, watched.measure);
                            picture(one.name(&slug::slug(&of, "measure")), shown);
                        }
                    }
                }
            }
            ChartKind::Timeline => {
                for index in shown(study) {
                    if let Some(timeline) = timeline::timeline(study, index) {
                        add(kind, format!("timeline-{}", slugs[index]), Shown::Timeline(timeline));
                    }
                }
            }
        }
    }
    charts
}

/// Draws charts into `directory`, which is made if need be, and returns the files written, in the order of the charts.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn draw(study: &Study, directory: &Path, kinds: &[ChartKind], formats: Formats) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory)?;
    let mut written = Vec::new();
    for chart in charts(study, kinds) {
        written.extend(write(&chart.shown, directory, &chart.stem, formats)?);
    }
    Ok(written)
}

/// Writes one picture in each format, and returns the files.
fn write(picture: &impl Drawing, directory: &Path, stem: &str, formats: Formats) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    if formats.svg {
        let path = directory.join(format!("{stem}.svg"));
        std::fs::write(&path, encode::svg(picture)?)?;
        written.push(path);
    }
    if formats.png {
        let path = directory.join(format!("{stem}.png"));
        std::fs::write(&path, encode::png(picture)?)?;
        written.push(path);
    }
    Ok(written)
}

/// Draws a tornado for each series into `directory`, which is made if need be, and returns the files written.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn draw_tornadoes(
    source: &Source,
    found: &Sensitivity,
    directory: &Path,
    formats: Formats,
) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory)?;
    let slugs = slug::unique_slugs(found.series.iter().map(|series| series.variant.as_str()), &[]);
    let name = slug::file_stem(&source.name);
    let mut written = Vec::new();
    for (series, slug) in found.series.iter().zip(slugs) {
        let picture = tornado::tornado(found, series, &source.label, &source.objectives, &source.footer);
        written.extend(write(&picture, directory, &format!("{name}-tornado-{slug}"), formats)?);
    }
    Ok(written)
}

/// Draws what a search found into `directory`, which is made if need be, and returns the files written.
///
/// # Errors
/// When the directory or a file cannot be written.
pub fn draw_found(source: &Source, found: &Found, directory: &Path, formats: Formats) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(directory)?;
    let stem = format!("{}-find", slug::file_stem(&source.name));
    write(&cheapest::picture(source, found), directory, &stem, formats)
}
