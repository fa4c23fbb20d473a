//! Closed networks: users who think, send, and wait for the reply.

/// Users who are alike.
#[derive(Clone, Debug)]
pub struct Class {
    pub users: u32,
    /// Mean time per cycle without queueing: thinking, and all other plain delays.
    pub delay: f64,
    /// Mean time of service per cycle at each station.
    pub demands: Vec<f64>,
}

/// What mean value analysis says.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Cycles per unit of time, by class.
    pub throughputs: Vec<f64>,
    /// How many times longer than alone a visit of each class takes at each station.
    pub stretches: Vec<Vec<f64>>,
    /// Mean number present at each station.
    pub present: Vec<f64>,
}

/// Populations that are gone through at most: the product of users plus one over the classes.
pub const MOST_POPULATIONS: u64 = 4_000_000;

/// Populations that have to be gone through.
pub fn populations(classes: &[Class]) -> u64 {
    classes.iter().fold(1, |product: u64, class| product.saturating_mul(u64::from(class.users) + 1))
}

/// Exact mean value analysis of stations with one server (Reiser & Lavenberg, JACM 1980): who arrives sees the network
/// in equilibrium with one user of its own class less. None if there are too many populations.
pub fn mean_value_analysis(classes: &[Class]) -> Option<Solution> {
    let total = populations(classes);
    if total > MOST_POPULATIONS {
        return None;
    }
    let stations = classes.first().map_or(0, |class| class.demands.len());
    // The number of a population: users of the classes as digits.
    let mut steps = Vec::new();
    let mut step = 1;
    for class in classes {
        steps.push(step);
        step *= class.users as usize + 1;
    }
    let mut present = vec![0.0; total as usize * stations];
    let mut throughputs = vec![0.0; classes.len()];
    let mut stretches = vec![vec![1.0; stations]; classes.len()];
    for population in 1..total as usize {
        for station in 0..stations {
            present[population * stations + station] = 0.0;
        }
        for (index, class) in classes.iter().enumerate() {
            let users = population / steps[index] % (class.users as usize + 1);
            if users == 0 {
                throughputs[index] = 0.0;
                continue;
            }
            let before = (population - steps[index]) * stations;
            stretches[index] = present[before..before + stations].iter().map(|others| 1.0 + others).collect();
            let times = class.demands.iter().zip(&stretches[index]).map(|(demand, stretch)| demand * stretch);
            let times: Vec<f64> = times.collect();
            throughputs[index] = users as f64 / (class.delay + times.iter().sum::<f64>());
            for (station, time) in times.iter().enumerate() {
                present[population * stations + station] += throughputs[index] * time;
            }
        }
    }
    let last = present.len() - stations;
    Some(Solution { throughputs, stretches, present: present.split_off(last) })
}

/// The most cycles per unit of time, whatever the laws: no station is busy for longer than it is there, and no cycle
/// is shorter than alone (Denning & Buzen, Computing Surveys 1978: asymptotic bounds). `capacities` are servers.
pub fn highest_throughput(class: &Class, capacities: &[f64]) -> f64 {
    let alone = f64::from(class.users) / (class.delay + class.demands.iter().sum::<f64>());
    let limits = class.demands.iter().zip(capacities).filter(|(demand, _)| **demand > 0.0);
    limits.map(|(demand, capacity)| capacity / demand).fold(alone, f64::min)
}
