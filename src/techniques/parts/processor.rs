//! How the visits that compute at the same time on one replica share its cores.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::visit::VisitList;

/// A replica's cores under one discipline.
#[derive(Clone, Debug)]
pub enum Processor {
    /// There is a core for everybody who may compute, so nobody slows anybody down.
    Ample,
    /// Each core runs one computation to its end; others wait in order: an event loop, or several.
    RunToCompletion { cores: u32, busy: u32, queue: VisitList },
    /// All share all cores evenly, as operating system threads do.
    Sharing(Box<Sharing>),
}

impl Processor {
    /// Idle cores of the same kind on a replica with so many of them and of workers.
    pub fn resized(&self, cores: f64, workers: u32) -> Self {
        match self {
            Self::Ample if f64::from(workers) <= cores => Self::Ample,
            Self::Ample => Self::Sharing(Box::new(Sharing::new(cores, 0.0, 0.0))),
            Self::RunToCompletion { .. } => {
                Self::RunToCompletion { cores: (cores.floor() as u32).max(1), busy: 0, queue: VisitList::default() }
            }
            Self::Sharing(sharing) => {
                Self::Sharing(Box::new(Sharing::new(cores, sharing.contention, sharing.coherency)))
            }
        }
    }
}

/// Limited processor sharing with the contention of the Universal Scalability Law.
///
/// With `n` computing on `c` cores, each gets the rate `min(1, c/n) / (1 + contention (n-1) + coherency n (n-1))`.
/// For `c = 1` without contention this is the M/G/1-PS queue. (Gunther, *Guerrilla Capacity Planning*, 2007, ch. 4, for
/// the law; the denominator slows each of the `n` down.)
///
/// Attained service is a single virtual clock that runs at the common rate, so an arrival or departure costs a heap
/// operation, however many compute.
#[derive(Clone, Debug)]
pub struct Sharing {
    cores: f64,
    contention: f64,
    coherency: f64,
    /// Nanoseconds of service that a computation present since the clock started has attained.
    virtual_ns: f64,
    updated_ns: u64,
    /// By the virtual time at which each ends, then in order of arrival.
    computing: BinaryHeap<Reverse<(u64, u32, u32)>>,
    sequence: u32,
    /// The timer that counts; any other one that goes off is out of date.
    timer_ns: Option<u64>,
}

impl Sharing {
    /// Idle cores.
    pub fn new(cores: f64, contention: f64, coherency: f64) -> Self {
        Self {
            cores,
            contention,
            coherency,
            virtual_ns: 0.0,
            updated_ns: 0,
            computing: BinaryHeap::new(),
            sequence: 0,
            timer_ns: None,
        }
    }

    fn rate(&self) -> f64 {
        let computing = self.computing.len() as f64;
        let others = computing - 1.0;
        let slowdown = 1.0 + self.contention * others + self.coherency * computing * others;
        (self.cores / computing).min(1.0) / slowdown
    }

    fn update(&mut self, now_ns: u64) {
        if !self.computing.is_empty() {
            self.virtual_ns += (now_ns - self.updated_ns) as f64 * self.rate();
        }
        self.updated_ns = now_ns;
    }

    /// Cores in use, in millionths.
    pub fn busy_microcores(&self) -> u64 {
        (self.cores.min(self.computing.len() as f64) * 1e6).round() as u64
    }

    /// Has so many cores from now on. Returns when to look again, if an earlier timer than the one that is set is needed.
    pub fn resize(&mut self, now_ns: u64, cores: f64) -> Option<u64> {
        self.update(now_ns);
        self.cores = cores;
        let next_ns = self.next_end_ns(now_ns);
        let is_earlier = !self.computing.is_empty() && self.timer_ns.is_none_or(|timer_ns| next_ns < timer_ns);
        is_earlier.then(|| {
            self.timer_ns = Some(next_ns);
            next_ns
        })
    }

    /// Adds a computation. Returns when to look again, if an earlier timer than the one that is set is needed.
    pub fn add(&mut self, now_ns: u64, slot: u32, demand_ns: u64) -> Option<u64> {
        self.update(now_ns);
        if self.computing.is_empty() {
            // Starting over keeps the clock small, and so exact.
            self.virtual_ns = 0.0;
            self.sequence = 0;
        }
        let end = self.virtual_ns + demand_ns as f64;
        // Non-negative floats are ordered as their bits are.
        self.computing.push(Reverse((end.to_bits(), self.sequence, slot)));
        self.sequence = self.sequence.wrapping_add(1);
        // Others only slow down, so a timer that is set already is early rather than late.
        let next_ns = self.next_end_ns(now_ns);
        if self.timer_ns.is_none_or(|timer_ns| next_ns < timer_ns) {
            self.timer_ns = Some(next_ns);
            return Some(next_ns);
        }
        None
    }

    /// The timer at `now_ns` went off. Returns one computation that has ended, if any; call again until `None`.
    pub fn take_ended(&mut self, now_ns: u64) -> Option<u32> {
        self.update(now_ns);
        let &Reverse((end, _, slot)) = self.computing.peek()?;
        let left_ns = (f64::from_bits(end) - self.virtual_ns) / self.rate();
        if left_ns >= 1.0 {
            return None;
        }
        self.computing.pop();
        Some(slot)
    }

    /// Whether the timer that went off at `now_ns` is the one that counts; if so it is no longer set.
    pub fn accept_timer(&mut self, now_ns: u64) -> bool {
        let accepted = self.timer_ns == Some(now_ns);
        if accepted {
            self.timer_ns = None;
        }
        accepted
    }

    /// After the ended computations are taken: when to look again, if anything computes and no timer is set.
    pub fn next_timer(&mut self, now_ns: u64) -> Option<u64> {
        if self.timer_ns.is_some() || self.computing.is_empty() {
            return None;
        }
        let next_ns = self.next_end_ns(now_ns);
        self.timer_ns = Some(next_ns);
        Some(next_ns)
    }

    fn next_end_ns(&self, now_ns: u64) -> u64 {
        let Some(&Reverse((end, _, _))) = self.computing.peek() else { return u64::MAX };
        let left = ((f64::from_bits(end) - self.virtual_ns) / self.rate()).max(0.0);
        // Less than a thousandth of a nanosecond is rounding of the division above.
        now_ns.saturating_add((left - 1e-3).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the arrivals `(time, demand)` and returns when each one ended.
    fn ends(sharing: &mut Sharing, arrivals: &[(u64, u64)]) -> Vec<u64> {
        let mut ends = vec![0; arrivals.len()];
        let mut timers = Vec::new();
        let mut next = 0;
        loop {
            timers.sort_unstable();
            let timer = timers.first().copied();
            let arrival = arrivals.get(next).map(|&(time, _)| time);
            match (timer, arrival) {
                (None, None) => return ends,
                (Some(timer), arrival) if arrival.is_none_or(|arrival| timer <= arrival) => {
                    timers.remove(0);
                    if sharing.accept_timer(timer) {
                        while let Some(slot) = sharing.take_ended(timer) {
                            ends[slot as usize] = timer;
                        }
                        timers.extend(sharing.next_timer(timer));
                    }
                }
                _ => {
                    let (time, demand) = arrivals[next];
                    timers.extend(sharing.add(time, next as u32, demand));
                    next += 1;
                }
            }
        }
    }

    #[test]
    fn two_computations_on_one_core_share_it_evenly() {
        let mut sharing = Sharing::new(1.0, 0.0, 0.0);
        // Alone for 100, then both at half speed: the first needs 900 more, 1,800 of clock; the second ends at 2,000.
        assert_eq!(ends(&mut sharing, &[(0, 1_000), (100, 1_000)]), [1_900, 2_000]);
    }

    #[test]
    fn cores_enough_for_all_mean_full_speed() {
        let mut sharing = Sharing::new(4.0, 0.0, 0.0);
        assert_eq!(ends(&mut sharing, &[(0, 1_000), (0, 500), (0, 700)]), [1_000, 500, 700]);
    }

    #[test]
    fn half_a_core_takes_twice_as_long() {
        assert_eq!(ends(&mut Sharing::new(0.5, 0.0, 0.0), &[(0, 1_000)]), [2_000]);
    }

    #[test]
    fn what_computes_goes_on_at_the_speed_of_the_new_cores() {
        let mut sharing = Sharing::new(1.0, 0.0, 0.0);
        let timers: Vec<u64> = [0, 1].into_iter().filter_map(|slot| sharing.add(0, slot, 1_000)).collect();
        assert_eq!((timers, sharing.timer_ns), (vec![1_000], Some(1_000)), "the first was alone for a moment");
        // Half a core each for 600, then a whole one for the 700 that are left.
        assert_eq!(sharing.resize(600, 2.0), None, "the timer at 1,000 is earlier than the end at 1,300");
        assert!(sharing.accept_timer(1_000) && sharing.take_ended(1_000).is_none());
        assert_eq!(sharing.next_timer(1_000), Some(1_300));
        // A quarter of a core each from 1,100 on: 200 left take 800.
        assert_eq!(sharing.resize(1_100, 0.5), None);
        assert!(sharing.accept_timer(1_300) && sharing.take_ended(1_300).is_none());
        assert_eq!(sharing.next_timer(1_300), Some(1_900));
        // And a whole core each at last: 100 left at 1,500 end at 1,600, before the timer.
        assert_eq!(sharing.resize(1_500, 4.0), Some(1_600));
        assert!(sharing.accept_timer(1_600));
        assert_eq!((sharing.take_ended(1_600), sharing.take_ended(1_600)), (Some(0), Some(1)));
    }

    #[test]
    fn contention_and_coherency_follow_the_universal_scalability_law() {
        let mut sharing = Sharing::new(2.0, 0.1, 0.05);
        // Two on two cores: slowdown 1 + 0.1 + 0.05 * 2 = 1.2.
        assert_eq!(ends(&mut sharing, &[(0, 1_000), (0, 1_000)]), [1_200, 1_200]);
    }
}
