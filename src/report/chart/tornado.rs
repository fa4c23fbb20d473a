//! What the assumptions of a model do to p99: one bar for each, the widest at the top.
//!
//! A bar goes from the median p99 of the draws in the lower third of an assumption's range to that of the upper third,
//! while all other assumptions vary too. It stands around the p99 of the model as it is written.

use plotters::backend::DrawingBackend;

use crate::experiment::sensitivity::{Assumption, Effect, Sensitivity, SeriesSensitivity};
use crate::experiment::study::Objective;
use crate::report::format::Quantity;
use crate::report::sensitivity::end;

use super::canvas::{Canvas, Drawn, Place};
use super::encode::Drawing;
use super::limits::draw_dashes;
use super::picture::Limit;
use super::scale::{Scale, drawable, extent};
use super::style::{
    AXIS, Align, FOOTER, GRID, HAIRLINE, HEIGHT, INK, INK_SOFT, LABEL, LINE, Lettering, MARGIN, PAPER, POINT_LABEL,
    SUBTITLE, TITLE, WIDTH, colour, text_colour,
};

/// More bars than anybody reads.
const MOST_BARS: usize = 12;

/// Values whose largest is this many times their smallest need a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 31.6;

/// Room for names at the left, and for numbers beside the ends of bars.
const NAMES_WIDTH: std::ops::RangeInclusive<f64> = 220.0..=520.0;
const NUMBER_WIDTH: f64 = 120.0;

/// A row for each bar, as high as there is room for, but no higher than this.
const ROW_MOST: f64 = 110.0;

/// Index into the palette: blue for the lower third, vermilion for the upper one.
const LOWER: usize = 0;
const UPPER: usize = 1;

/// A tornado, before it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Tornado {
    title: String,
    subtitle: String,
    /// What the axis measures.
    quantity: String,
    bars: Vec<Bar>,
    /// The p99 of the model as it is written, or the median of all draws, and which of them.
    centre: Option<(f64, &'static str)>,
    limit: Option<Limit>,
    footer: String,
}

#[derive(Clone, Debug)]
struct Bar {
    name: String,
    range: String,
    /// Median p99 in the lower and the upper third of the range; `None` is unstable.
    low: Option<f64>,
    high: Option<f64>,
}

impl Bar {
    /// How far it reaches; what becomes unstable reaches furthest.
    fn width(&self) -> f64 {
        match (self.low, self.high) {
            (Some(low), Some(high)) => (high - low).abs(),
            (None, None) => 0.0,
            _ => f64::INFINITY,
        }
    }
}

/// The tornado of one series.
pub(super) fn tornado(
    found: &Sensitivity,
    series: &SeriesSensitivity,
    label: &str,
    objectives: &[Objective],
    footer: &str,
) -> Tornado {
    let shown = |effect: &&Effect| effect.is_real && effect.shows_its_direction();
    let mut bars: Vec<Bar> = series.assumptions.iter().filter(shown).map(bar).collect();
    bars.sort_by(|a, b| b.width().total_cmp(&a.width()));
    let left_out = bars.len().saturating_sub(MOST_BARS);
    bars.truncate(MOST_BARS);
    let operation = if found.operation == "all" { "all requests" } else { &found.operation };
    let load = Quantity::Count.tick(found.load, found.load);
    let others = if left_out == 0 { String::new() } else { format!(" · {left_out} smaller ones left out") };
    let met =
        series.met_ratio.map(|one| format!(", {:.0}% meet all objectives", 100.0 * one.value)).unwrap_or_default();
    let limit = objectives.iter().find(|one| one.quantity.name() == "p99_s" && one.operation == found.operation);
    let centre = match (series.written.p99_s, series.p99_s.and_then(|spread| spread.p50)) {
        (Some(written), _) => Some((written.value, "as written")),
        (None, Some(median)) => Some((median, "median of all draws")),
        _ => None,
    };
    Tornado {
        title: format!("What moves p99: {}", series.variant),
        subtitle: format!(
            "{operation} at {load} {label} · {} draws of all assumptions at once{met}{others}",
            found.draws
        ),
        quantity: "p99 latency, median over the draws in a third of an assumption's range".to_owned(),
        bars,
        centre,
        limit: limit
            .map(|one| Limit { value: one.limit, text: format!("limit {}", Quantity::Seconds.value(one.limit)) }),
        footer: footer.to_owned(),
    }
}

fn bar(effect: &Effect) -> Bar {
    let assumption: &Assumption = &effect.assumption;
    let (low, high) = (end(assumption, assumption.low), end(assumption, assumption.high));
    let place = |value: Option<f64>| value.filter(|value| drawable(*value));
    Bar {
        name: assumption.name.clone(),
        range: format!("{}, {low} to {high}", assumption.provenance.name()),
        low: place(effect.low_third_p99_s),
        high: place(effect.high_third_p99_s),
    }
}

/// The part of the picture where bars are, and the scale along it.
struct Stage {
    /// Width of the names at the left.
    names: f64,
    left: f64,
    right: f64,
    top: f64,
    row: f64,
    scale: Scale,
}

impl Stage {
    fn of<DB: DrawingBackend>(tornado: &Tornado, canvas: &Canvas<DB>) -> Self {
        let width = |bar: &Bar| canvas.text_width(&bar.name, Lettering::new(LABEL, INK));
        let widest = tornado.bars.iter().map(width).fold(*NAMES_WIDTH.start(), f64::max);
        let names = widest.min(*NAMES_WIDTH.end());
        let (top, bottom) = (210.0, f64::from(HEIGHT) - 122.0);
        let row = ((bottom - top) / tornado.bars.len().max(1) as f64).min(ROW_MOST);
        let ends = tornado.bars.iter().flat_map(|bar| [bar.low, bar.high]).flatten();
        let marks = tornado.centre.map(|(value, _)| value).into_iter().chain(tornado.limit.iter().map(|one| one.value));
        let values: Vec<f64> = ends.chain(marks).collect();
        let is_wide = extent(&values).is_some_and(|(low, high)| low > 0.0 && high / low >= LOGARITHMIC_FROM);
        let scale = match is_wide {
            true => Scale::logarithmic(&values, Quantity::Seconds, true),
            false => Scale::linear_from_zero(&values, Quantity::Seconds, 6),
        };
        let right = f64::from(WIDTH) - MARGIN - NUMBER_WIDTH;
        Self { names, left: MARGIN + names + NUMBER_WIDTH, right, top, row, scale }
    }

    fn x(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * self.scale.fraction(value)
    }

    /// Both ends of a bar, the left one first: where it is, its value and its style. What has no latency any more reaches to
    /// the end of the axis.
    fn ends(&self, bar: &Bar) -> [(f64, Option<f64>, usize); 2] {
        let place = |value: Option<f64>| value.map_or(self.right, |value| self.x(value));
        let mut ends = [(place(bar.low), bar.low, LOWER), (place(bar.high), bar.high, UPPER)];
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends
    }

    fn bottom(&self, bars: usize) -> f64 {
        self.top + self.row * bars.max(1) as f64
    }
}

impl Drawing for Tornado {
    fn description(&self) -> String {
        format!("{}. {}", self.title, self.subtitle)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB> {
        canvas.root.fill(&PAPER)?;
        self.draw_header(canvas)?;
        let stage = Stage::of(self, canvas);
        if self.bars.is_empty() {
            let centre = (f64::from(WIDTH) / 2.0, f64::from(HEIGHT) / 2.0);
            let lettering = Lettering::new(SUBTITLE, INK_SOFT);
            canvas.text("No assumption moves p99 beyond chance.", centre, lettering, Align::Centre)?;
            return canvas.root.present();
        }
        self.draw_axis(&stage, canvas)?;
        let rows =
            || self.bars.iter().enumerate().map(|(index, bar)| (bar, stage.top + stage.row * (index as f64 + 0.5)));
        for (bar, y) in rows() {
            self.draw_bar(bar, y, &stage, canvas)?;
        }
        self.draw_marks(&stage, canvas)?;
        // Numbers come last, on patches of paper: no line strikes them through.
        for (bar, y) in rows() {
            draw_numbers(bar, y, &stage, canvas)?;
        }
        canvas.root.present()
    }
}

impl Tornado {
    fn draw_header<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Drawn<DB> {
        let width = f64::from(WIDTH) - 2.0 * MARGIN;
        let rows = [
            (self.title.as_str(), 52.0, Lettering::new(TITLE, INK).bold()),
            (self.subtitle.as_str(), 100.0, Lettering::new(SUBTITLE, INK_SOFT)),
            (self.footer.as_str(), f64::from(HEIGHT) - 20.0, Lettering::new(FOOTER, INK_SOFT)),
        ];
        for (text, y, lettering) in rows {
            canvas.text(&canvas.shortened(text, lettering, width), (MARGIN, y), lettering, Align::Left)?;
        }
        let mut x = MARGIN;
        for (style, text) in [(LOWER, "lower third of its range"), (UPPER, "upper third of its range")] {
            canvas.fill(&rectangle((x, 136.0), (x + 28.0, 156.0)), colour(style), 1.0)?;
            let lettering = Lettering::new(LABEL, INK);
            canvas.text(text, (x + 40.0, 146.0), lettering, Align::Left)?;
            x += 40.0 + canvas.text_width(text, lettering) + 48.0;
        }
        Ok(())
    }

    fn draw_axis<DB: DrawingBackend>(&self, stage: &Stage, canvas: &Canvas<DB>) -> Drawn<DB> {
        let bottom = stage.bottom(self.bars.len());
        for (value, label) in stage.scale.ticks().iter().zip(stage.scale.labels()) {
            let x = stage.x(*value);
            canvas.stroke(&[(x, stage.top), (x, bottom)], GRID, 1.0, HAIRLINE)?;
            canvas.text(&label, (x, bottom + 24.0), Lettering::new(LABEL, INK), Align::Centre)?;
        }
        canvas.stroke(&[(stage.left, bottom), (stage.right, bottom)], AXIS, 1.0, HAIRLINE)?;
        let lettering = Lettering::new(POINT_LABEL, INK_SOFT);
        let centre = ((stage.left + stage.right) / 2.0, bottom + 60.0);
        canvas.text(&self.quantity, centre, lettering, Align::Centre)
    }

    fn draw_bar<DB: DrawingBackend>(&self, bar: &Bar, y: f64, stage: &Stage, canvas: &Canvas<DB>) -> Drawn<DB> {
        let half = (stage.row * 0.34).min(26.0);
        let middle = self.centre.map(|(value, _)| value).or(bar.low).or(bar.high).unwrap_or(0.0);
        let [left, right] = stage.ends(bar);
        // The colours meet at the centre; where both ends lie on one side of it, halfway between them.
        let centre = stage.x(middle);
        let border = if (left.0..=right.0).contains(&centre) { centre } else { (left.0 + right.0) / 2.0 };
        for ((x, _, style), to) in [(left, border), (right, border)] {
            canvas.fill(&rectangle((x, y - half), (to, y + half)), colour(style), 1.0)?;
        }
        let (name, range) = (Lettering::new(LABEL, INK), Lettering::new(POINT_LABEL, INK_SOFT));
        let shift = (stage.row * 0.25).min(14.0);
        canvas.text(&canvas.shortened(&bar.name, name, stage.names), (MARGIN, y - shift), name, Align::Left)?;
        canvas.text(&canvas.shortened(&bar.range, range, stage.names), (MARGIN, y + shift), range, Align::Left)
    }

    /// The value as it is written, and the limit that an objective sets.
    fn draw_marks<DB: DrawingBackend>(&self, stage: &Stage, canvas: &Canvas<DB>) -> Drawn<DB> {
        let (above, bottom) = (stage.top - 18.0, stage.bottom(self.bars.len()));
        let lettering = Lettering::new(POINT_LABEL, INK);
        let mut ends: Vec<(Place, String)> = Vec::new();
        if let Some((value, what)) = self.centre {
            let x = stage.x(value);
            canvas.stroke(&[(x, stage.top - 6.0), (x, bottom)], INK, 1.0, LINE * 0.6)?;
            ends.push(((x, above), format!("{what} {}", Quantity::Seconds.value(value))));
        }
        if let Some(limit) = &self.limit {
            let x = stage.x(limit.value);
            draw_dashes((x, stage.top - 6.0), (x, bottom), canvas)?;
            ends.push(((x, above), limit.text.clone()));
        }
        ends.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
        // Of two texts, one stands at the left and one at the right of its line.
        let is_single = ends.len() == 1;
        for (index, ((x, y), text)) in ends.into_iter().enumerate() {
            let align = if is_single { Align::Centre } else { [Align::Right, Align::Left][index] };
            let aside = if is_single { 0.0 } else { [-5.0, 5.0][index] };
            canvas.text(&text, (x + aside, y), lettering, align)?;
        }
        Ok(())
    }
}

/// The numbers beside both ends of a bar.
fn draw_numbers<DB: DrawingBackend>(bar: &Bar, y: f64, stage: &Stage, canvas: &Canvas<DB>) -> Drawn<DB> {
    let [left, right] = stage.ends(bar);
    let text = |value: Option<f64>| value.map_or_else(|| "unstable".to_owned(), |one| Quantity::Seconds.value(one));
    let lettering = |style: usize| Lettering::new(POINT_LABEL, text_colour(style));
    canvas.text_on_paper(&text(left.1), (left.0 - 8.0, y), lettering(left.2), Align::Right)?;
    canvas.text_on_paper(&text(right.1), (right.0 + 8.0, y), lettering(right.2), Align::Left)
}

fn rectangle((left, top): Place, (right, bottom): Place) -> [Place; 4] {
    [(left, top), (right, top), (right, bottom), (left, bottom)]
}
