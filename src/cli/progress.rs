//! A bar with the time left, on terminals only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many points.
pub fn bar(points: usize) -> ProgressBar {
    let bar = ProgressBar::new(points as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} points  {elapsed} gone, {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar
}
