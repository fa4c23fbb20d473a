//! Which series go into one picture, so that it can be read on a slide.
//!
//! Variants that somebody named one by one are all drawn. Series that axes make are many: beyond eight, one picture shows
//! the most efficient of all, and one picture for each variant shows its own. Efficient is what no other series beats in
//! both p99 and cost at the same load; who is so at most loads comes first.

use std::borrow::Cow;

use crate::experiment::study::{Study, Variant};
use crate::report::rows::watched;
use crate::report::text::one_line;

use super::slug::unique_slugs;

/// As many lines as a reader tells apart.
const LINES_MAX: usize = 8;

/// The series of one picture.
pub(super) struct Group<'a> {
    /// The study with these series alone.
    pub(super) study: Cow<'a, Study>,
    /// What a subtitle says of them, for example ` of every variant`.
    pub(super) of_whom: String,
    is_whole: bool,
    slug: Option<String>,
}

impl Group<'_> {
    /// The end of the file name of a picture of this kind.
    pub(super) fn name(&self, kind: &str) -> String {
        self.slug.as_ref().map_or_else(|| kind.to_owned(), |slug| format!("{kind}-of-{slug}"))
    }

    /// As `of_whom`, where it goes without saying if it is every variant.
    pub(super) fn of_whom_if_some(&self) -> &str {
        if self.is_whole { "" } else { &self.of_whom }
    }
}

/// The pictures that charts of several series are made of, the one for all first.
pub(super) fn groups(study: &Study) -> Vec<Group<'_>> {
    if !is_crowded(study) {
        let of_whom = " of every variant".to_owned();
        return vec![Group { study: Cow::Borrowed(study), of_whom, is_whole: true, slug: None }];
    }
    let all: Vec<usize> = (0..study.variants.len()).collect();
    let mut bare = study.clone();
    bare.variants.clear();
    let mut groups = vec![group(study, &bare, all, "series", None)];
    let mut names: Vec<&str> = Vec::new();
    for variant in &study.variants {
        if !names.contains(&variant.variant.as_str()) {
            names.push(&variant.variant);
        }
    }
    if names.len() > 1 {
        for (name, slug) in names.iter().zip(unique_slugs(names.iter().copied(), &[])) {
            let own = study.variants.iter().enumerate().filter(|(_, variant)| variant.variant == *name);
            let own = own.map(|(index, _)| index).collect();
            groups.push(group(study, &bare, own, &format!("series of {}", one_line(name)), Some(slug)));
        }
    }
    groups
}

/// The series that have pictures of their own.
pub(super) fn shown(study: &Study) -> Vec<usize> {
    let all: Vec<usize> = (0..study.variants.len()).collect();
    if is_crowded(study) { most_efficient(study, all) } else { all }
}

fn is_crowded(study: &Study) -> bool {
    !study.axes.is_empty() && study.variants.len() > LINES_MAX
}

/// The most efficient of some series; `bare` is the study without any.
fn group<'a>(study: &Study, bare: &Study, all: Vec<usize>, what: &str, slug: Option<String>) -> Group<'a> {
    let count = all.len();
    let chosen = most_efficient(study, all);
    let of_whom = match count > chosen.len() {
        true => format!(" of the {} most efficient of {count} {what}", chosen.len()),
        false => format!(" of all {what}"),
    };
    let variants: Vec<Variant> = chosen.into_iter().map(|index| study.variants[index].clone()).collect();
    Group { study: Cow::Owned(Study { variants, ..bare.clone() }), of_whom, is_whole: false, slug }
}

/// At most eight of these series, in their order, one of the baseline among them if there is one.
fn most_efficient(study: &Study, series: Vec<usize>) -> Vec<usize> {
    if series.len() <= LINES_MAX {
        return series;
    }
    let mut ranked: Vec<(usize, usize)> = series.iter().copied().zip(efficient_loads(study, &series)).collect();
    ranked.sort_by_key(|(index, loads)| (std::cmp::Reverse(*loads), *index));
    let is_baseline = |(index, _): &(usize, usize)| study.variants[*index].variant == study.baseline;
    let baseline = ranked.iter().position(is_baseline);
    if let Some(baseline) = baseline.filter(|place| *place >= LINES_MAX) {
        ranked.swap(LINES_MAX - 1, baseline);
    }
    let mut chosen: Vec<usize> = ranked.into_iter().take(LINES_MAX).map(|(index, _)| index).collect();
    chosen.sort_unstable();
    chosen
}

/// At how many loads each of these series is beaten by no other of them.
fn efficient_loads(study: &Study, series: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; series.len()];
    for load in &study.axis.values {
        let told = |index: usize| {
            let points = &study.variants[index].points;
            let point = points.iter().find(|point| point.load == *load && point.refusal.is_none())?;
            Some((point.cost_usd_per_hour?.value, watched(study, point)?.p99_s?.value))
        };
        let mut points: Vec<(f64, f64, usize)> = Vec::new();
        for (position, index) in series.iter().enumerate() {
            points.extend(told(*index).map(|(cost, latency)| (cost, latency, position)));
        }
        points.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut fastest = f64::INFINITY;
        for (_, latency, position) in points {
            if latency < fastest {
                fastest = latency;
                counts[position] += 1;
            }
        }
    }
    counts
}
