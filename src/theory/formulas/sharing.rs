//! Cores that all share alike.

/// How many times longer than alone a request takes that shares `cores` with the others, each getting the rate
/// `min(1, cores / n)`; `load` is the number of cores that all of them need.
///
/// The number present is that of a birth-death process and does not depend on the law of service (Baskett, Chandy, Muntz &
/// Palacios 1975; Kelly, *Reversibility and Stochastic Networks*, 1979, ch. 3). With one core this is `1 / (1 - load)`, and
/// with whole cores the latency of M/M/c over the service time.
pub fn stretch(load: f64, cores: f64) -> f64 {
    if load <= 0.0 {
        return (1.0 / cores).max(1.0);
    }
    let whole = cores.ceil();
    let utilization = load / cores;
    // Relative to the largest so far, so that hundreds of cores stay within the range of numbers.
    let (mut weight, mut total, mut present) = (1.0_f64, 1.0_f64, 0.0_f64);
    let mut number = 0.0;
    while number < whole {
        number += 1.0;
        weight *= load / number.min(cores);
        if weight > 1e200 {
            (weight, total, present) = (weight * 1e-200, total * 1e-200, present * 1e-200);
        }
        total += weight;
        present += number * weight;
    }
    // From here on each weight is `utilization` times the one before.
    let rest = weight * utilization / (1.0 - utilization);
    total += rest;
    present += number * rest + weight * utilization / (1.0 - utilization).powi(2);
    present / total / load
}
