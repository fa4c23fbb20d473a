//! A bar with the time left, on terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many points, of which some are there already.
pub fn bar(points: usize, taken: usize) -> ProgressBar {
    let bar = ProgressBar::new(points as u64).with_position(taken as u64);
    bar.reset_eta();
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} points  {elapsed} gone, {eta} left  {msg}") {
        bar.set_style(style);
    }
    bar
}

/// A sign of life for one point, whose length nobody knows before its intervals are narrow enough.
pub fn sign_of_life() -> ProgressBar {
    let sign = ProgressBar::new_spinner();
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} simulating until the intervals are narrow enough  {elapsed}")
    {
        sign.set_style(style);
    }
    sign.enable_steady_tick(Duration::from_millis(200));
    sign
}
