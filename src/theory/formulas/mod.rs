//! Closed forms. Times are in seconds and rates per second, or in any other unit and its inverse.

pub mod closed;
pub mod queue;
pub mod renewal;
pub mod sharing;
#[cfg(test)]
mod tests;

/// Where a falling tail meets a probability, by bisection; `scale` is any time of the right order.
fn quantile_of_tail(tail: impl Fn(f64) -> f64, probability: f64, scale: f64) -> f64 {
    if tail(0.0) <= probability {
        return 0.0;
    }
    let mut high = scale;
    while tail(high) > probability && high < f64::MAX / 2.0 {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if tail(middle) > probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}
