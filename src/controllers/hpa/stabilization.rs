//! The log of recommendations, by which short changes of the load are passed over.
//!
//! More replicas come only if all recommendations of a window asked for them, and fewer are kept only if none asked for
//! more.
//!
//! Source: kubernetes/kubernetes `pkg/controller/podautoscaler/horizontal.go`.

/// What the metrics asked for at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// How many replicas, before any limit.
    pub replicas: u32,
    /// When.
    pub timestamp_ns: u64,
}

impl Recommendation {
    fn is_before_window(self, window_ns: u64, now_ns: u64) -> bool {
        self.timestamp_ns.saturating_add(window_ns) < now_ns
    }

    fn is_after_start_of_window(self, window_ns: u64, now_ns: u64) -> bool {
        self.timestamp_ns.saturating_add(window_ns) > now_ns
    }
}

/// The windows of both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// For so long more replicas must have been asked for.
    pub up_ns: u64,
    /// For so long fewer replicas must have been asked for.
    pub down_ns: u64,
}

/// Recommendations. Not in the order of time, for new ones take the places of old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recommendations {
    recommendations: Vec<Recommendation>,
}

impl Recommendations {
    /// A log with these recommendations.
    #[must_use]
    pub fn new(recommendations: Vec<Recommendation>) -> Self {
        Self { recommendations }
    }

    /// What is in the log.
    #[must_use]
    pub fn recommendations(&self) -> &[Recommendation] {
        &self.recommendations
    }

    /// Logs a recommendation, and brings `current` as near to it as those of the windows allow.
    pub fn stabilize(&mut self, current: u32, desired: u32, windows: Windows, now_ns: u64) -> u32 {
        let replicas_within = |window_ns: u64| {
            let recent = self.recommendations.iter().filter(move |one| one.is_after_start_of_window(window_ns, now_ns));
            recent.map(|one| one.replicas)
        };
        let lowest = replicas_within(windows.up_ns).fold(desired, u32::min);
        let highest = replicas_within(windows.down_ns).fold(desired, u32::max);
        self.store(desired, windows.up_ns.max(windows.down_ns), now_ns);
        current.max(lowest).min(highest)
    }

    /// Logs a recommendation, and gives the highest of a window: the rule where no `behavior` is written.
    pub fn stabilize_downscale(&mut self, desired: u32, window_ns: u64, now_ns: u64) -> u32 {
        let recent = self.recommendations.iter().filter(|one| !one.is_before_window(window_ns, now_ns));
        let highest = recent.map(|one| one.replicas).fold(desired, u32::max);
        self.store(desired, window_ns, now_ns);
        highest
    }

    /// Logs a recommendation, in the place of the last of those that are older than the window.
    fn store(&mut self, replicas: u32, window_ns: u64, now_ns: u64) {
        let recommendation = Recommendation { replicas, timestamp_ns: now_ns };
        match self.recommendations.iter_mut().rfind(|one| one.is_before_window(window_ns, now_ns)) {
            Some(obsolete) => *obsolete = recommendation,
            None => self.recommendations.push(recommendation),
        }
    }
}
