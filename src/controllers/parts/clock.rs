//! When a controller acts: at equal distances, from a moment that is its own.

use crate::diagnostic::span::Spanned;
use crate::engine::Timer;
use crate::engine::context::Context;
use crate::random::Purpose;
use crate::techniques::technique::Mistake;
use crate::units::Duration;

/// A period, and where in it the ticks lie. Real controllers are not in step with the load nor with each other, so the first
/// tick lies anywhere within the first period, and elsewhere in every replication.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    period_ns: u64,
    purpose: Purpose,
    timer: Timer,
}

impl Clock {
    /// Ticks every `period_ns`, as this timer.
    pub fn new(period_ns: u64, purpose: Purpose, timer: Timer) -> Self {
        Self { period_ns: period_ns.max(1), purpose, timer }
    }

    /// Nanoseconds between two ticks.
    pub fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// Waits for the first tick.
    pub fn start(&self, context: &mut Context) {
        let phase_ns = context.seed().stream(self.purpose).below(self.period_ns);
        context.after(phase_ns, self.timer);
    }

    /// Waits for the next tick.
    pub fn wait(&self, context: &mut Context) {
        context.after(self.period_ns, self.timer);
    }
}

/// What is wrong with a period as written.
pub fn mistake(period: &Spanned<Duration>) -> Option<Mistake> {
    let message = "nothing is looked at more often than every millisecond";
    (period.ns < 1_000_000).then(|| Mistake::new(period.span, message, "write for example \"15s\""))
}

/// A time as written, or what holds otherwise.
pub fn written_ns(written: &Option<Spanned<Duration>>, otherwise_ns: u64) -> u64 {
    written.as_ref().map_or(otherwise_ns, |written| written.ns)
}
