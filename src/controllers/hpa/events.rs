//! The log of changes in one direction, from which the rate of scaling is limited.
//!
//! Source: the scale events in kubernetes/kubernetes `pkg/controller/podautoscaler/horizontal.go`.

/// One change of the number of replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleEvent {
    /// By how many replicas, without the sign.
    pub change: u32,
    /// When.
    pub timestamp_ns: u64,
    /// Whether no policy looks back so far, so that its place can be used again.
    pub is_outdated: bool,
}

/// Changes in one direction. Not in the order of time, for new ones take the places of old ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScaleEvents {
    events: Vec<ScaleEvent>,
}

impl ScaleEvents {
    /// A log with these events.
    #[must_use]
    pub fn new(events: Vec<ScaleEvent>) -> Self {
        Self { events }
    }

    /// What is in the log.
    #[must_use]
    pub fn events(&self) -> &[ScaleEvent] {
        &self.events
    }

    /// The replicas by which the number changed during the last `period_ns`, the very beginning excluded.
    #[must_use]
    pub fn change_within(&self, period_ns: u64, now_ns: u64) -> i64 {
        let recent = self.events.iter().filter(|event| event.timestamp_ns.saturating_add(period_ns) > now_ns);
        recent.map(|event| i64::from(event.change)).fold(0, i64::saturating_add)
    }

    /// Logs a change, in the place of the last of those that are older than the longest period of any policy.
    pub fn store(&mut self, change: u32, longest_period_ns: u64, now_ns: u64) {
        for event in &mut self.events {
            event.is_outdated |= event.timestamp_ns.saturating_add(longest_period_ns) < now_ns;
        }
        let event = ScaleEvent { change, timestamp_ns: now_ns, is_outdated: false };
        match self.events.iter_mut().rfind(|event| event.is_outdated) {
            Some(outdated) => *outdated = event,
            None => self.events.push(event),
        }
    }
}
