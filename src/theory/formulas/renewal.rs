//! GI/M/1: independent gaps of any law, one exponential server (Kleinrock, *Queueing Systems* 1, 1975, ch. 6).

use crate::distribution::Distribution;

/// GI/M/1 below saturation. An arrival finds the server busy with probability `sigma`, the root below 1 of
/// `sigma = A*((1 - sigma) / service)`, where `A*` is the Laplace transform of the gaps.
#[derive(Clone, Copy, Debug)]
pub struct GeneralArrivals {
    pub sigma: f64,
    service: f64,
}

impl GeneralArrivals {
    pub fn new(transform: impl Fn(f64) -> f64, service: f64) -> Self {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if transform((1.0 - middle) / service) > middle { low = middle } else { high = middle }
        }
        Self { sigma: low, service }
    }

    pub fn wait_mean(&self) -> f64 {
        self.latency_mean() - self.service
    }

    pub fn latency_mean(&self) -> f64 {
        self.service / (1.0 - self.sigma)
    }

    pub fn wait_quantile(&self, quantile: f64) -> f64 {
        ((self.sigma / (1.0 - quantile)).ln() * self.latency_mean()).max(0.0)
    }

    /// The latency is exponential.
    pub fn latency_quantile(&self, quantile: f64) -> f64 {
        -(1.0 - quantile).ln() * self.latency_mean()
    }
}

/// The Laplace transform of a gamma law; with a whole number of stages an Erlang law.
pub fn gamma_transform(stages: f64, mean: f64, at: f64) -> f64 {
    (1.0 + at * mean / stages).powf(-stages)
}

/// The Laplace transform of a law of durations in seconds, where it is known in closed form.
pub fn transform(law: &Distribution, at: f64) -> Option<f64> {
    Some(match law {
        Distribution::Constant(value) => (-at * value.as_s()).exp(),
        Distribution::Exponential(mean) => gamma_transform(1.0, mean.as_s(), at),
        Distribution::Erlang { stages, mean } => gamma_transform(f64::from(*stages), mean.as_s(), at),
        Distribution::Gamma { mean, cv } if *cv > 0.0 => gamma_transform(1.0 / (cv * cv), mean.as_s(), at),
        Distribution::Uniform(low, high) if high > low && at > 0.0 => {
            let (low, high) = (low.as_s(), high.as_s());
            ((-at * low).exp() - (-at * high).exp()) / (at * (high - low))
        }
        Distribution::HyperExponential { mean: Some(mean), cv: Some(cv), .. } if *cv >= 1.0 => {
            // Two phases that bring half of the mean each.
            let squared = cv * cv;
            let share = 0.5 * (1.0 + ((squared - 1.0) / (squared + 1.0)).sqrt());
            let phase = |share: f64| share * gamma_transform(1.0, mean.as_s() / (2.0 * share), at);
            phase(share) + if share < 1.0 { phase(1.0 - share) } else { 0.0 }
        }
        Distribution::HyperExponential { mean: None, cv: None, phases } => {
            phases.iter().map(|(share, mean)| share.value * gamma_transform(1.0, mean.as_s(), at)).sum()
        }
        Distribution::Mixture(parts) => {
            let parts: Option<Vec<f64>> =
                parts.iter().map(|(share, part)| Some(share.value * transform(part, at)?)).collect();
            parts?.iter().sum()
        }
        Distribution::Scaled { by, law } => return transform(law, at * by),
        _ => return None,
    })
}
