//! Parameters of connections that stay open: pools of links, PgBouncer, transactions.

use super::{Knob, knob};
use crate::run::{Run, architecture};

/// Queries of a millisecond, over whatever the link says.
fn linked(rate: &str, pool: &str) -> String {
    architecture(
        "",
        &format!(
            r#""clients": Clients(rate: "{rate}", mix: {{ "postgres.read": 1 }}),
               "postgres": Database(cores: 4, max_connections: 50, connect: Constant("2ms"), operations: {{
                   "read": Read(cpu: Exponential("1ms")),
               }}),"#
        ),
        &format!(r#""clients -> postgres": Link({pool})"#),
    )
}

/// The same through a pooler.
fn bounced(clients: &str, pooler: &str) -> String {
    architecture(
        "",
        &format!(
            r#""clients": Clients({clients}, mix: {{ "pooler.read": 1 }}),
               "pooler": PgBouncer(target: "postgres", {pooler}),
               "postgres": Database(cores: 8, max_connections: 50, connect: Constant("2ms"), operations: {{
                   "read": Read(cpu: Exponential("1ms")), "slow": Read(cpu: Exponential("3ms")),
               }}),"#
        ),
        "",
    )
}

fn latency(run: &Run) -> f64 {
    run.latency_s("clients")
}

fn open(run: &Run) -> f64 {
    run.share("pooler", "open_connections")
}

fn pool_open(run: &Run) -> f64 {
    run.share("clients -> postgres", "open_connections")
}

fn computing(run: &Run) -> f64 {
    run.node("postgres").counters.busy_ns as f64
}

pub fn knobs() -> Vec<Knob> {
    let mut knobs = of_pools();
    knobs.extend(of_servers());
    knobs.extend(of_clients());
    knobs.extend(of_modes());
    knobs
}

fn of_pools() -> Vec<Knob> {
    vec![
        knob(
            &["database.connect"],
            linked("200/s", ""),
            &[("nodes.postgres.connect", "Constant(\"1ms\")")],
            &[("nodes.postgres.connect", "Constant(\"4ms\")")],
            computing,
        ),
        knob(
            &["link.pool"],
            linked("200/s", ""),
            &[("links.clients -> postgres.pool", "Pool(max_size: 10)")],
            &[],
            computing,
        ),
        knob(
            &["Pool.max_size"],
            linked("800/s", "pool: Pool(max_size: 2)"),
            &[("links.clients -> postgres.pool.max_size", "4")],
            &[("links.clients -> postgres.pool.max_size", "1")],
            latency,
        ),
        knob(
            &["Pool.min_idle"],
            linked("100/s", "pool: Pool(max_size: 10, min_idle: 0, idle_timeout: \"100ms\")"),
            &[],
            &[("links.clients -> postgres.pool.min_idle", "8")],
            pool_open,
        ),
        knob(
            &["Pool.connection_timeout"],
            linked("900/s", "pool: Pool(max_size: 1, connection_timeout: \"5ms\")"),
            &[],
            &[("links.clients -> postgres.pool.connection_timeout", "\"2ms\"")],
            |run| run.failed_ratio("clients"),
        ),
        knob(
            &["Pool.idle_timeout"],
            linked("400/s", "pool: Pool(max_size: 10, min_idle: 0, idle_timeout: \"20ms\")"),
            &[],
            &[("links.clients -> postgres.pool.idle_timeout", "\"5s\"")],
            pool_open,
        ),
        knob(
            &["Pool.max_lifetime"],
            linked("100/s", "pool: Pool(max_size: 10)"),
            &[],
            &[("links.clients -> postgres.pool.max_lifetime", "\"200ms\"")],
            computing,
        ),
    ]
}

fn of_servers() -> Vec<Knob> {
    let shared = || bounced("rate: \"1500/s\"", "pool_mode: Transaction, default_pool_size: 3, max_client_conn: 1000");
    let rare = || bounced("rate: \"20/s\"", "pool_mode: Transaction, min_pool_size: 1");
    let crowd = |pooler: &str| {
        bounced("users: 40", &format!("pool_mode: Transaction, default_pool_size: 2, max_client_conn: 1000, {pooler}"))
    };
    let few = architecture(
        "",
        r#""clients": Clients(rate: "100/s", mix: { "pooler.read": 1 }),
           "others": Clients(rate: "300/s", mix: { "postgres.slow": 1 }),
           "pooler": PgBouncer(target: "postgres", pool_mode: Transaction, server_lifetime: "100ms", server_login_retry: "50ms"),
           "postgres": Database(cores: 8, max_connections: 2, operations: {
               "read": Read(cpu: Exponential("1ms")), "slow": Read(cpu: Exponential("3ms")),
           }),"#,
        "",
    );
    vec![
        knob(
            &["pg_bouncer.default_pool_size"],
            shared(),
            &[("nodes.pooler.default_pool_size", "8")],
            &[("nodes.pooler.default_pool_size", "2")],
            latency,
        ),
        knob(&["pg_bouncer.min_pool_size"], rare(), &[], &[("nodes.pooler.min_pool_size", "10")], open),
        knob(
            &["pg_bouncer.reserve_pool_size"],
            crowd("reserve_pool_timeout: \"10ms\""),
            &[],
            &[("nodes.pooler.reserve_pool_size", "3")],
            open,
        ),
        knob(
            &["pg_bouncer.reserve_pool_timeout"],
            crowd("reserve_pool_size: 3, reserve_pool_timeout: \"10s\""),
            &[],
            &[("nodes.pooler.reserve_pool_timeout", "\"10ms\"")],
            open,
        ),
        knob(
            &["pg_bouncer.max_db_connections"],
            crowd("reserve_pool_size: 3, reserve_pool_timeout: \"10ms\", max_db_connections: 2"),
            &[],
            &[("nodes.pooler.max_db_connections", "5")],
            open,
        ),
        knob(
            &["pg_bouncer.query_wait_timeout"],
            crowd("query_wait_timeout: \"1s\""),
            &[],
            &[("nodes.pooler.query_wait_timeout", "\"5ms\"")],
            |run| run.failed_ratio("clients"),
        ),
        knob(
            &["pg_bouncer.server_idle_timeout"],
            bounced("rate: \"400/s\"", "pool_mode: Transaction, server_idle_timeout: \"20ms\""),
            &[],
            &[("nodes.pooler.server_idle_timeout", "\"5s\"")],
            open,
        ),
        knob(
            &["pg_bouncer.server_lifetime"],
            bounced("rate: \"50/s\"", "pool_mode: Transaction, min_pool_size: 10"),
            &[],
            &[("nodes.pooler.server_lifetime", "\"200ms\"")],
            computing,
        ),
        knob(&["pg_bouncer.server_login_retry"], few, &[], &[("nodes.pooler.server_login_retry", "\"2s\"")], |run| {
            run.failed_ratio("clients")
        }),
    ]
}

fn of_clients() -> Vec<Knob> {
    let looped =
        || bounced("rate: \"4000/s\"", "pool_mode: Transaction, processing: Constant(\"50us\"), max_client_conn: 1000");
    let two = architecture(
        "",
        r#""clients": Clients(users: 8, mix: { "pooler.read": 1 }),
           "pooler": PgBouncer(target: "small", pool_mode: Transaction),
           "small": Database(cores: 1, operations: { "read": Read(cpu: Exponential("1ms")) }),
           "large": Database(cores: 8, operations: { "read": Read(cpu: Exponential("1ms")) }),"#,
        "",
    );
    vec![
        knob(&["pg_bouncer.target"], two, &[("nodes.pooler.target", "\"large\"")], &[], latency),
        knob(
            &["pg_bouncer.max_client_conn"],
            bounced("rate: \"1500/s\"", "pool_mode: Transaction, default_pool_size: 2, max_client_conn: 20"),
            &[],
            &[("nodes.pooler.max_client_conn", "3")],
            |run| run.failed_ratio("clients"),
        ),
        knob(&["pg_bouncer.processing"], looped(), &[], &[("nodes.pooler.processing", "Constant(\"120us\")")], latency),
        knob(
            &["pg_bouncer.replicas"],
            bounced(
                "rate: \"5000/s\"",
                "pool_mode: Transaction, processing: Constant(\"90us\"), max_client_conn: 1000",
            ),
            &[("nodes.pooler.replicas", "2")],
            &[],
            latency,
        ),
        knob(&["pg_bouncer.price"], looped(), &[], &[("nodes.pooler.price", "\"$0.05/h\"")], |run| {
            run.prices("pooler")
        }),
    ]
}

fn of_modes() -> Vec<Knob> {
    let sessions = |mode: &str| {
        architecture(
            "",
            &format!(
                r#""clients": Clients(users: 6, think: Exponential("2ms"), mix: {{ "pooler.read": 1 }}),
                   "pooler": PgBouncer(target: "postgres", pool_mode: {mode}, default_pool_size: 3, query_wait_timeout: "1s"),
                   "postgres": Database(cores: 8, operations: {{ "read": Read(cpu: Exponential("1ms")) }}),"#
            ),
            r#""clients -> pooler": Link(pool: Pool(max_size: 6))"#,
        )
    };
    let held = |steps: &str| {
        architecture(
            "",
            &format!(
                r#""clients": Clients(rate: "150/s", mix: {{ "web.page": 1 }}),
                   "web": Service(operations: {{ "page": [ {steps} ] }}),
                   "pooler": PgBouncer(target: "postgres", pool_mode: Transaction, default_pool_size: 2),
                   "postgres": Database(cores: 8, operations: {{ "read": Read(cpu: Exponential("1ms")) }}),"#
            ),
            "",
        )
    };
    let apart = r#"Call("pooler.read"), Wait(Constant("8ms")), Call("pooler.read")"#;
    const TOGETHER: &str = r#"[ Transaction(database: "pooler", steps: [
        Call("pooler.read"), Wait(Constant("8ms")), Call("pooler.read"),
    ]) ]"#;
    vec![
        knob(
            &["pg_bouncer.pool_mode", "PoolMode.Session", "PoolMode.Transaction"],
            sessions("Transaction"),
            &[],
            &[("nodes.pooler.pool_mode", "Session")],
            |run| run.failed_ratio("clients"),
        ),
        knob(&["PoolMode.Statement"], sessions("Statement"), &[], &[("nodes.pooler.pool_mode", "Session")], |run| {
            run.failed_ratio("clients")
        }),
        knob(&["Step.Transaction"], held(apart), &[], &[("nodes.web.operations.page", TOGETHER)], latency),
    ]
}
