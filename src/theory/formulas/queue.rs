//! Queues in front of servers: M/M/c, M/M/c/K, M/G/1, and approximations for the others.

use super::quantile_of_tail;

/// The share of requests that find all servers of a system without a queue busy, by the recursion of Erlang's B formula
/// (Cooper, *Introduction to Queueing Theory*, 1981, ch. 3). `load` is the arrival rate times the mean service time. It
/// does not depend on the law of service (Sevastyanov 1957).
pub fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, server| load * blocked / (f64::from(server) + load * blocked))
}

/// The share of requests that must wait in M/M/c: Erlang's C formula (Cooper 1981, ch. 3).
pub fn erlang_c(servers: u32, load: f64) -> f64 {
    let blocked = erlang_b(servers, load);
    let utilization = load / f64::from(servers);
    blocked / (1.0 - utilization + utilization * blocked)
}

/// M/M/c, first come first served, below saturation.
#[derive(Clone, Copy, Debug)]
pub struct MultiServer {
    pub servers: u32,
    pub rate: f64,
    pub service: f64,
}

impl MultiServer {
    fn waits(&self) -> f64 {
        erlang_c(self.servers, self.rate * self.service)
    }

    /// The rate at which the tail of the wait falls.
    fn slack(&self) -> f64 {
        f64::from(self.servers) / self.service - self.rate
    }

    /// Mean wait of all, those that do not wait included.
    pub fn wait_mean(&self) -> f64 {
        self.waits() / self.slack()
    }

    pub fn latency_mean(&self) -> f64 {
        self.wait_mean() + self.service
    }

    /// `P(W > t) = C exp(-(c mu - lambda) t)`.
    pub fn wait_quantile(&self, quantile: f64) -> f64 {
        ((self.waits() / (1.0 - quantile)).ln() / self.slack()).max(0.0)
    }

    /// The wait and the service are independent, so the tail of their sum is a convolution of exponentials.
    pub fn latency_quantile(&self, quantile: f64) -> f64 {
        let (waits, slack, speed) = (self.waits(), self.slack(), 1.0 / self.service);
        let tail = |time: f64| {
            let served = (-speed * time).exp();
            let queued = if (slack / speed - 1.0).abs() < 1e-9 {
                (1.0 + speed * time) * served
            } else {
                (slack * served - speed * (-slack * time).exp()) / (slack - speed)
            };
            (1.0 - waits) * served + waits * queued
        };
        quantile_of_tail(tail, 1.0 - quantile, self.latency_mean())
    }

    /// The share of requests that find at least so many others present.
    pub fn finds_at_least(&self, others: u64) -> f64 {
        let beyond = others.saturating_sub(u64::from(self.servers));
        self.waits() * (self.rate * self.service / f64::from(self.servers)).powf(beyond as f64)
    }
}

/// M/M/c/K: at most `places` requests present, the others are turned away (Gross & Harris, *Fundamentals of Queueing
/// Theory*, ch. 2).
#[derive(Clone, Debug)]
pub struct Bounded {
    servers: u32,
    rate: f64,
    service: f64,
    /// The probability of each number present.
    present: Vec<f64>,
}

impl Bounded {
    /// `places` is at least `servers`.
    pub fn new(servers: u32, places: u32, rate: f64, service: f64) -> Self {
        // In logarithms, because hundreds of places would leave the range of numbers.
        let mut logarithms = vec![0.0];
        for number in 1..=places {
            let ratio = rate * service / f64::from(number.min(servers));
            logarithms.push(logarithms[number as usize - 1] + ratio.ln());
        }
        let most = logarithms.iter().copied().fold(0.0, f64::max);
        let weights: Vec<f64> = logarithms.iter().map(|one| (one - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        let present = weights.iter().map(|weight| weight / total).collect();
        Self { servers, rate, service, present }
    }

    /// The share of requests that are turned away.
    pub fn rejected(&self) -> f64 {
        self.present.last().copied().unwrap_or(0.0)
    }

    /// Requests served, per unit of time.
    pub fn throughput(&self) -> f64 {
        self.rate * (1.0 - self.rejected())
    }

    /// Mean wait of those that are served.
    pub fn wait_mean(&self) -> f64 {
        let waiting = |number: usize| (number as f64 - f64::from(self.servers)).max(0.0);
        let queue: f64 = self.present.iter().enumerate().map(|(number, share)| waiting(number) * share).sum();
        queue / self.throughput()
    }

    pub fn latency_mean(&self) -> f64 {
        self.wait_mean() + self.service
    }

    /// Who is admitted and finds `n` present waits for `n - c + 1` departures: an Erlang law.
    pub fn wait_quantile(&self, quantile: f64) -> f64 {
        let servers = self.servers as usize;
        let admitted = 1.0 - self.rejected();
        let tail = |time: f64| {
            let mean = f64::from(self.servers) / self.service * time;
            // Of a Poisson number with this mean: at most so many.
            let (mut term, mut at_most, mut total) = ((-mean).exp(), 0.0, 0.0);
            for (further, share) in self.present[servers..self.present.len() - 1].iter().enumerate() {
                at_most += term;
                total += share * at_most;
                term *= mean / (further as f64 + 1.0);
            }
            total / admitted
        };
        quantile_of_tail(tail, 1.0 - quantile, self.latency_mean())
    }
}

/// The mean wait of M/G/1 in any order that does not look at the lengths: the formula of Pollaczek and Khinchine
/// (Kleinrock, *Queueing Systems* 1, 1975, ch. 5).
pub fn pollaczek_khinchine(rate: f64, service: f64, squared_variation: f64) -> f64 {
    let utilization = rate * service;
    utilization * service * (1.0 + squared_variation) / (2.0 * (1.0 - utilization))
}

/// The mean wait of GI/G/c, approximately: the mean of the squared coefficients of variation times the wait of M/M/c
/// (Allen, *Probability, Statistics, and Queueing Theory*, 1990, after Cunneen). With one server it is Kingman's
/// approximation for heavy traffic (Kingman 1961) with the load's first power.
pub fn allen_cunneen(queue: MultiServer, arrivals_squared_variation: f64, service_squared_variation: f64) -> f64 {
    queue.wait_mean() * (arrivals_squared_variation + service_squared_variation) / 2.0
}
