//! What theory knows and the simulator is not asked yet, with the reason.

/// Rows of which nothing is simulated.
pub const ROWS_LEFT: &[(&str, &str)] = &[
    ("erlangA_10_10.0_0.5", "needs requests that leave the queue: a timeout frees the caller only"),
    ("erlangA_1_1.5_1.0", "needs requests that leave the queue: a timeout frees the caller only"),
    ("hedge_exp_0.0", "needs hedging"),
    ("hedge_exp_0.5", "needs hedging"),
    ("hedge_lognormal_scv4_0.0", "needs hedging"),
    ("hedge_lognormal_scv4_0.95", "needs hedging"),
    ("redundancy_2_2_0.5", "needs copies of a request that are cancelled when one is done"),
    ("redundancy_3_2_0.5", "needs copies of a request that are cancelled when one is done"),
    ("batch_geom_mean4", "needs batches of random size"),
    ("setup_0.5_0.1", "needs a server that must start up when work comes after an idle time"),
    ("breakdown_0.5", "needs faults"),
];

/// Values of simulated rows that are not measured: row (or its beginning), value (or its beginning), reason.
const VALUES_LEFT: &[(&str, &str, &str)] = &[
    ("mm1_", "avar_", "plans run lengths, is no result"),
    ("mm1_", "n_customers_for_", "plans run lengths, is no result"),
    ("mm1_0.5", "Wq_p50", "half of the requests do not wait, so every number from zero up is close to a median"),
    ("md1_0.5", "Wq_p50", "half of the requests do not wait, so every number from zero up is close to a median"),
    ("mg1_", "SCV", "describes the law of service"),
    ("mg1_pareto", "Var_Wq", "its estimate has no finite variance, for the fifth moment of service is infinite"),
    ("halfinwhitt_", "P_wait_limit", "the limit of many servers; the value for these is measured"),
    ("mva_closed", "Nstar", "where two asymptotes meet, is no result"),
    ("mva_closed", "Xmax", "an asymptote, which N=400 reaches"),
    ("splitmerge_", "lam_max", "an asymptote, is no result"),
    ("priority_exp", "T_preemptive_resume", "needs priorities that interrupt service"),
    ("cache_che_", "t_C_requests", "a quantity of the approximation alone"),
    ("cache_", "RANDOM_FIFO_hit", "needs other eviction policies"),
    ("cache_", "FIFO_RANDOM_hit", "needs other eviction policies"),
    ("cache_", "LFU_", "needs other eviction policies"),
    ("ttl_", "hit_sliding", "needs a time to live that each hit renews"),
    ("ttl_", "occupancy_", "the number of live entries is not observed: expired ones stay until looked up"),
    ("retrial_", "P_first_try_blocked", "attempts are not counted apart by their number"),
    ("timeout_retry_", "roots", "one server leaves the quiet state by chance within seconds: retries come in bursts"),
    ("timeout_retry_", "p_timeout_at_low_root", "an approximation far from what a stream of retries does"),
    ("usl_", "Nstar", "where the curve peaks: between the measured points"),
    ("usl_", "Xmax", "where the curve peaks: between the measured points"),
    ("repairman_", "P_majority_up", "needs the law of the number that failed, not its mean"),
    ("fanout_", "leaf_quantile_for_p99", "arithmetic"),
    ("mtminf", "peak_time", "the curve is measured at this moment"),
    ("mtminf", "peak_lag", "the curve is measured at this moment"),
    ("mm1_sched_", "W_SRPT", "needs service by the shortest remaining time"),
];

/// Whether a value of a row is left.
pub fn leaves_value(row: &str, name: &str) -> bool {
    VALUES_LEFT.iter().any(|(row_start, name_start, _)| row.starts_with(row_start) && name.starts_with(name_start))
}
