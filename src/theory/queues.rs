//! What the textbooks say of a station.

use super::Kind;
use super::formulas::queue::{Bounded, MultiServer, allen_cunneen, pollaczek_khinchine};
use super::formulas::renewal::{GeneralArrivals, gamma_transform, transform};
use super::formulas::sharing::stretch;
use super::law::Law;
use super::station::{Order, Servers, Station};
use super::work::Work;
use crate::distribution::Distribution;

/// How requests come to one replica.
#[derive(Clone, Copy, Debug)]
pub enum Arrivals<'a> {
    Poisson,
    /// Every so manyth of a Poisson process: Erlang gaps.
    Stages(u32),
    /// Independent gaps of this law.
    Renewal(&'a Distribution, Law),
    /// Nothing but the rate is known.
    Other,
}

/// What is known of the time at a station.
#[derive(Clone, Debug)]
pub struct Answer {
    /// In Kendall's notation.
    pub formula: String,
    pub kind: Kind,
    /// Mean wait before service.
    pub wait_s: f64,
    /// How many times longer than alone a computation takes.
    pub stretch: f64,
    /// Mean and p99 of what results call waiting.
    pub shown_wait_s: Option<(f64, Option<f64>)>,
    /// p50, p95 and p99 from arrival to reply.
    pub quantiles_s: Option<[f64; 3]>,
    /// The share that is turned away.
    pub rejected: Option<f64>,
}

const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

impl Answer {
    fn new(formula: String, kind: Kind) -> Self {
        Self { formula, kind, wait_s: 0.0, stretch: 1.0, shown_wait_s: None, quantiles_s: None, rejected: None }
    }

    /// The mean time of a visit at the station, what it calls not counted.
    pub fn own_s(&self, work: &Work) -> f64 {
        if work.takes_time { self.wait_s + work.computing.mean_s * self.stretch + work.waiting.mean_s } else { 0.0 }
    }
}

/// The share of its capacity that a station needs, if nothing is turned away.
pub fn load(station: &Station, rate: f64, computing_s: f64) -> Option<f64> {
    match station {
        Station::Passing | Station::Delay(_) => None,
        Station::Sharing { cores } => Some(rate * computing_s / cores),
        Station::Servers(Servers { places: Some(_), .. }) => None,
        Station::Servers(servers) => Some(rate * servers.law.mean_s / f64::from(servers.servers)),
    }
}

/// What is known of a stable station to which this many requests per second come.
pub fn answer(station: &Station, rate: f64, computing_s: f64, arrivals: Arrivals<'_>) -> Result<Answer, String> {
    match station {
        Station::Passing => Ok(Answer::new("no time".to_owned(), Kind::Exact)),
        Station::Delay(law) => {
            let quantile =
                |quantile: f64| if law.is_exponential { -(1.0 - quantile).ln() * law.mean_s } else { law.mean_s };
            let is_known = law.is_exponential || law.variance_s2 == 0.0;
            let mut answer = Answer::new(format!("{}/{}/∞", of_arrivals(arrivals), of_service(law)), Kind::Exact);
            answer.quantiles_s = is_known.then(|| QUANTILES.map(quantile));
            Ok(answer)
        }
        Station::Sharing { cores } => {
            let kind = if matches!(arrivals, Arrivals::Poisson) { Kind::Exact } else { Kind::Approximation };
            let formula = format!("{}/G/{cores}-PS", of_arrivals(arrivals));
            Ok(Answer { stretch: stretch(rate * computing_s, *cores), ..Answer::new(formula, kind) })
        }
        Station::Servers(servers) => of_servers(servers, rate, arrivals),
    }
}

fn of_servers(servers: &Servers, rate: f64, arrivals: Arrivals<'_>) -> Result<Answer, String> {
    let Servers { servers: count, law, places, order, .. } = *servers;
    let service = law.mean_s;
    let queue = MultiServer { servers: count, rate, service };
    let name = format!("{}/{}/{count}", of_arrivals(arrivals), of_service(&law));
    let in_order = order == Order::FirstComeFirstServed;
    let quantiles = |of: &dyn Fn(f64) -> f64| in_order.then(|| QUANTILES.map(of));
    let finish = |answer: Answer, wait_s: f64, wait_p99_s: Option<f64>| Answer {
        wait_s,
        stretch: servers.stretch,
        shown_wait_s: servers.shows_wait.then_some((wait_s, wait_p99_s.filter(|_| in_order))),
        ..answer
    };
    if let Some(places) = places {
        if !matches!(arrivals, Arrivals::Poisson) {
            return Err(format!("at most {places} requests find room, and they do not come as a Poisson process"));
        }
        let bounded = Bounded::new(count, places, rate, service);
        let mut answer = Answer::new(format!("{name}/{places}"), Kind::Exact);
        answer.rejected = Some(bounded.rejected());
        return Ok(finish(answer, bounded.wait_mean(), Some(bounded.wait_quantile(0.99))));
    }
    match arrivals {
        Arrivals::Poisson if law.is_exponential => {
            let mut answer = Answer::new(name, Kind::Exact);
            answer.quantiles_s = quantiles(&|quantile| queue.latency_quantile(quantile));
            Ok(finish(answer, queue.wait_mean(), Some(queue.wait_quantile(0.99))))
        }
        Arrivals::Poisson if count == 1 => {
            let wait_s = pollaczek_khinchine(rate, service, law.squared_variation());
            Ok(finish(Answer::new(name, Kind::Exact), wait_s, None))
        }
        _ => {
            let known: Option<Box<dyn Fn(f64) -> f64 + '_>> = match arrivals {
                Arrivals::Stages(stages) => {
                    Some(Box::new(move |at| gamma_transform(f64::from(stages), 1.0 / rate, at)))
                }
                Arrivals::Renewal(gaps, _) if transform(gaps, 1.0).is_some() => {
                    Some(Box::new(|at| transform(gaps, at).unwrap_or(f64::NAN)))
                }
                _ => None,
            };
            if let (Some(transform), true, 1) = (known, law.is_exponential, count) {
                let queue = GeneralArrivals::new(transform, service);
                let mut answer = Answer::new(name, Kind::Exact);
                answer.quantiles_s = quantiles(&|quantile| queue.latency_quantile(quantile));
                return Ok(finish(answer, queue.wait_mean(), Some(queue.wait_quantile(0.99))));
            }
            let variation = match arrivals {
                Arrivals::Stages(stages) => 1.0 / f64::from(stages),
                Arrivals::Renewal(_, law) => law.squared_variation(),
                Arrivals::Poisson | Arrivals::Other => 1.0,
            };
            let wait_s = allen_cunneen(queue, variation, law.squared_variation());
            Ok(finish(Answer::new(name + ", Allen-Cunneen", Kind::Approximation), wait_s, None))
        }
    }
}

fn of_arrivals(arrivals: Arrivals<'_>) -> String {
    match arrivals {
        Arrivals::Poisson => "M".to_owned(),
        Arrivals::Stages(stages) => format!("E{stages}"),
        Arrivals::Renewal(_, law) if law.is_exponential => "M".to_owned(),
        Arrivals::Renewal(_, law) if law.variance_s2 == 0.0 => "D".to_owned(),
        Arrivals::Renewal(..) => "GI".to_owned(),
        Arrivals::Other => "G".to_owned(),
    }
}

fn of_service(law: &Law) -> &'static str {
    if law.is_exponential {
        "M"
    } else if law.variance_s2 == 0.0 {
        "D"
    } else {
        "G"
    }
}
