//! What visits cause before any simulation: lower bounds that rules over the whole graph add up.

/// What one visit to an operation causes on average, if no call fails and nobody is turned away: the ground of warnings that
/// need no simulation. Beyond that everything here is a lower bound (a cache is taken to hit, an optional branch counts by
/// its probability).
#[derive(Clone, Debug)]
pub struct Demand {
    /// Mean seconds of a core's time.
    pub core_s: f64,
    /// Mean seconds during which a worker is held, not counting calls.
    pub held_s: f64,
    /// What is called.
    pub calls: Vec<DemandedCall>,
    /// Whether the caller may be answered before the end.
    pub replies_early: bool,
    /// Share of the visits that reach the end: the others fail on the way.
    pub reach: f64,
}

impl Default for Demand {
    fn default() -> Self {
        Self { core_s: 0.0, held_s: 0.0, calls: Vec::new(), replies_early: false, reach: 1.0 }
    }
}

/// Calls that a visit is sure to make of one operation.
#[derive(Clone, Debug)]
pub struct DemandedCall {
    /// `node.operation`, or the node alone where that has no operations, as a cache.
    pub to: String,
    /// How many, on average.
    pub times: f64,
    /// Of these, those that no earlier call can keep from being made.
    pub certain_times: f64,
    /// Whether the visit waits for each in turn, so that their times add up.
    pub is_awaited: bool,
}

impl Demand {
    /// Adds calls that are waited for.
    pub fn call(&mut self, to: &str, times: f64) {
        let certain_times = if self.calls.is_empty() { times } else { 0.0 };
        self.calls.push(DemandedCall { to: to.to_owned(), times, certain_times, is_awaited: true });
    }

    /// Adds another demand that arises `times` times on average, after what is there already. The reach is left to the
    /// caller.
    pub fn add(&mut self, other: &Self, times: f64) {
        self.core_s += other.core_s * times;
        self.held_s += other.held_s * times;
        self.replies_early |= other.replies_early;
        let certain = if self.calls.is_empty() { times } else { 0.0 };
        self.calls.extend(other.calls.iter().map(|call| DemandedCall {
            times: call.times * times,
            certain_times: call.certain_times * certain,
            ..call.clone()
        }));
    }
}
