//! Replicas that come and go: who gets work, who is paid for, who is killed.

use forescale::engine::Node;
use forescale::engine::control::{NodeSample, Phase};
use forescale::engine::simulation::{Limits, Simulation};
use forescale::model::Compiled;
use forescale::random::Seed;
use forescale::techniques::AnyNode;

use crate::run::{prepare, run};

const SECOND_NS: u64 = 1_000_000_000;

fn model(nodes: &str, controllers: &str) -> String {
    format!(
        "Architecture(name: \"test\", keys: {{ \"thing\": Uniform(count: 1_000) }}, nodes: {{ {nodes} }}, controllers: {{ {controllers} }})"
    )
}

/// A run that can be looked at on its way.
struct Watch {
    compiled: Compiled,
    simulation: Simulation<AnyNode>,
}

impl Watch {
    fn new(text: &str) -> Self {
        let compiled = prepare(text, &[]);
        let simulation = compiled.simulation(Seed::new(7, 0), Limits::default());
        Self { compiled, simulation }
    }

    /// The node after so many seconds.
    fn at(&mut self, node: &str, seconds: f64) -> NodeSample {
        self.simulation.run_until((seconds * 1e9) as u64).expect("the run reaches its end");
        self.simulation.audit().expect("the counts obey the laws");
        let index = self.compiled.descriptions.iter().position(|one| one.name == node).expect("a node");
        let mut sample = NodeSample::default();
        self.simulation.nodes()[index].sample(self.simulation.now_ns(), &mut sample);
        sample
    }
}

/// Two replicas, and four after five seconds, behind a balancer with this policy.
fn doubled(clients: &str, policy: &str) -> String {
    model(
        &format!(
            r#""clients": Clients({clients}, mix: {{ "balancer.request": 1 }}),
               "balancer": LoadBalancer(target: "server", policy: {policy}),
               "server": Service(replicas: 2, workers: 8, zones: 2, operations: {{ "request": [ Compute(Exponential("5ms")) ] }}),"#
        ),
        r#""clock": Scheduled(target: "server", period: "1h", actions: [(at: "5s", replicas: 4), (at: "50m", replicas: 2)])"#,
    )
}

#[test]
fn replicas_that_are_new_get_work_under_every_policy() {
    let policies = [
        "RoundRobin",
        "Weighted([1, 2, 3, 4])",
        "Random",
        "LeastOutstanding",
        "LeastResponseTime",
        "PowerOfChoices(2)",
        "ConsistentHash(key: \"thing\")",
        "SessionAffinity",
        "ZoneAware",
        "PersistentConnections",
    ];
    for policy in policies {
        let mut watch = Watch::new(&doubled("rate: \"400/s\", zones: 2", policy));
        assert_eq!(watch.at("server", 4.9).replicas.len(), 2, "{policy}");
        let later = watch.at("server", 20.0);
        let completed: Vec<u64> = later.replicas.iter().map(|replica| replica.completed).collect();
        assert_eq!(completed.len(), 4, "{policy}");
        // Six thousand requests after the change: each replica has a good part of them.
        assert!(completed.iter().all(|count| *count > 400), "{policy}: {completed:?}");
    }
}

#[test]
fn connections_that_last_leave_new_replicas_idle_until_new_users_come() {
    let staying = doubled("users: 40, think: Exponential(\"50ms\")", "PersistentConnections");
    let completed = |text: &str, seconds| -> Vec<u64> {
        Watch::new(text).at("server", seconds).replicas.iter().map(|replica| replica.completed).collect()
    };
    let idle = completed(&staying, 20.0);
    assert!(idle[0] > 1_000 && idle[1] > 1_000 && idle[2..] == [0, 0], "{idle:?}");
    // With affinity by hash some users move to the new replicas.
    assert!(completed(&staying.replace("PersistentConnections", "SessionAffinity"), 20.0)[3] > 1_000);
    // Forty more users connect after ten seconds, in turn to all four.
    let growing = staying
        .replace("users: 40,", "users: 40, stages: [(duration: \"10s\", target: 40), (duration: \"1s\", target: 80)],");
    let served = completed(&growing, 20.0);
    assert!(served.iter().all(|count| *count > 500), "{served:?}");
}

#[test]
fn a_replica_that_goes_takes_its_connections_along_and_others_take_the_users() {
    let text = doubled("users: 40, think: Exponential(\"50ms\")", "PersistentConnections")
        .replace("(at: \"5s\", replicas: 4)", "(at: \"5s\", replicas: 1)");
    let mut watch = Watch::new(&text);
    let before = watch.at("server", 5.5).replicas[0].completed;
    let after = watch.at("server", 15.5).replicas[0].completed;
    // All forty users, 18 requests a second each, go to the one that is left, which serves 200/s.
    assert!(after - before > 1_700, "{before} {after}");
    assert_eq!(watch.at("clients", 15.5).failed, 0);
}

/// Requests of two seconds; one of two replicas is ended at five seconds.
fn shrinking(grace_period: &str) -> String {
    model(
        &format!(
            r#""clients": Clients(rate: "50/s", mix: {{ "server.request": 1 }}),
               "server": Service(replicas: 2, price: "$1/h", termination_grace_period: "{grace_period}",
                   operations: {{ "request": [ Wait(Constant("2s")) ] }}),"#
        ),
        r#""clock": Scheduled(target: "server", period: "1h", actions: [(at: "5s", replicas: 1), (at: "50m", replicas: 2)])"#,
    )
}

#[test]
fn draining_loses_nothing_and_the_end_of_the_grace_period_loses_what_is_left() {
    let patient = run(&prepare(&shrinking("30s"), &[]), 10.0);
    assert_eq!(patient.node("clients").counters.failed, 0);
    // Two replicas until the last request of the second one ends, two seconds after it got no more.
    let paid_s = patient.node("server").counters.replica_ns as f64 * 1e-9;
    assert!((16.95..=17.0).contains(&paid_s), "{paid_s}");
    let hasty = run(&prepare(&shrinking("500ms"), &[]), 10.0);
    // Half of 50/s for the 1.5 s that are left of each.
    let lost = hasty.node("clients").counters.failed;
    assert!((20..=60).contains(&lost), "{lost}");
    assert_eq!(hasty.node("server").counters.replica_ns, 15_500_000_000);
}

#[test]
fn replicas_are_paid_for_from_boot_and_serve_from_readiness() {
    let text = model(
        r#""clients": Clients(rate: "10/s", mix: { "server.request": 1 }),
           "server": Service(startup: Constant("7s"), readiness_period: "5s", operations: { "request": [ Compute(Constant("1ms")) ] }),"#,
        r#""clock": Scheduled(target: "server", period: "1h", actions: [(at: "5s", replicas: 3), (at: "50m", replicas: 1)])"#,
    );
    let after = run(&prepare(&text, &[]), 20.0);
    // One for 20 s, two more from 5 s on; these are ready ten seconds later, at the second look.
    assert_eq!(after.node("server").counters.replica_ns, 50 * u128::from(SECOND_NS));
    assert_eq!(after.node("server").counters.capacity_ns, 30 * u128::from(SECOND_NS));
    assert_eq!(after.share("server", "starting_replicas"), 1.0);
    assert_eq!(after.share("server", "ready_replicas"), 1.5);
    assert_eq!(after.share("server", "desired_replicas"), 2.5);
}

#[test]
fn a_rolling_update_keeps_its_bounds_and_replaces_everybody() {
    for (surge, unavailable) in [(2, 0), (0, 2), (1, 1), (6, 0)] {
        let text = model(
            r#""clients": Clients(rate: "200/s", mix: { "server.request": 1 }),
               "server": Service(replicas: 6, workers: 16, startup: Uniform("1s", "3s"), operations: { "request": [ Compute(Exponential("10ms")) ] }),"#,
            &format!(
                r#""new": RollingUpdate(target: "server", at: ["5s"], max_surge: Replicas({surge}), max_unavailable: Replicas({unavailable}))"#
            ),
        );
        let mut watch = Watch::new(&text);
        for tenth in 0..600 {
            let sample = watch.at("server", f64::from(tenth) * 0.1);
            let staying = sample.replicas.iter().filter(|replica| replica.phase != Phase::Draining).count();
            let ready = sample.replicas.iter().filter(|replica| replica.phase == Phase::Ready).count();
            assert!(staying <= 6 + surge && ready >= 6 - unavailable, "{surge} {unavailable}: {staying} {ready}");
        }
        let after = watch.at("server", 60.0);
        assert_eq!(after.replicas.len(), 6);
        assert!(after.replicas.iter().all(|replica| replica.id.number >= 6), "all are new");
        let happenings = watch.simulation.take_record().nodes.swap_remove(1).happenings;
        let done = happenings.iter().find(|one| one.what == "update done").expect("it comes to its end");
        assert!((7..40).contains(&(done.time_ns / SECOND_NS)), "{surge} {unavailable}: {}", done.time_ns);
        assert_eq!(watch.at("clients", 60.0).failed, 0);
    }
}

#[test]
fn a_leak_kills_a_replica_after_as_many_requests_as_fit() {
    let text = model(
        r#""clients": Clients(rate: "10/s", arrivals: Constant, mix: { "server.request": 1 }),
           "server": Service(memory: Memory(limit: "100MiB", base: "50MiB", per_request: "1MiB", leak: "1MiB"),
               operations: { "request": [ Wait(Constant("1ms")) ] }),"#,
        "",
    );
    // The fiftieth request finds 50 MiB and 49 that leaked, and fits; the next does not. It fails, and the first crash is
    // followed by a restart at once.
    let mut watch = Watch::new(&text);
    assert_eq!(watch.at("server", 5.05).replicas[0].out_of_memory, 0);
    let killed = watch.at("server", 5.15);
    assert_eq!((killed.replicas[0].out_of_memory, killed.failed), (1, 1));
    // Fifty requests later it is killed again, and starts after ten seconds; whatever comes meanwhile is turned away.
    let again = watch.at("server", 10.25);
    assert_eq!((again.replicas[0].out_of_memory, again.replicas[0].phase), (2, Phase::Starting));
    assert_eq!(watch.at("server", 20.15).replicas[0].phase, Phase::Starting);
    assert_eq!(watch.at("server", 20.25).replicas[0].phase, Phase::Ready);
}

#[test]
fn crashes_are_followed_by_longer_and_longer_pauses() {
    // Every request is too much.
    let text = model(
        r#""clients": Clients(rate: "100/s", arrivals: Constant, mix: { "server.request": 1 }),
           "server": Service(memory: Memory(limit: "100MiB", base: "99MiB", per_request: "2MiB"),
               operations: { "request": [ Wait(Constant("1ms")) ] }),"#,
        "",
    );
    let mut watch = Watch::new(&text);
    // Pauses of 0, 10, 20, 40, 80, 160, 300 and 300 s, each ended by the next request.
    let ends = [0.0, 10.0, 30.0, 70.0, 150.0, 310.0, 610.0, 910.0];
    for (kills, seconds) in ends.into_iter().enumerate() {
        let sample = watch.at("server", seconds + 1.0);
        assert_eq!(sample.replicas[0].out_of_memory as usize, kills + 2, "after {seconds} s");
    }
}

#[test]
fn requests_of_a_killed_replica_are_lost_unless_somebody_tries_again() {
    let text = |retry: &str| {
        format!(
            r#"Architecture(name: "test", nodes: {{
                "clients": Clients(rate: "40/s", mix: {{ "server.request": 1 }}),
                "server": Service(replicas: 3, startup: Constant("1s"),
                    memory: Memory(limit: "100MiB", base: "50MiB", per_request: "1MiB", leak: "150KiB"),
                    operations: {{ "request": [ Compute(Exponential("5ms")), Wait(Exponential("100ms")) ] }}),
            }}, links: {{ "clients -> server": Link({retry}) }})"#
        )
    };
    let lost = run(&prepare(&text("latency: Constant(\"1ms\")"), &[]), 32.0);
    let saved = run(
        &prepare(&text("latency: Constant(\"1ms\"), retry: Retry(max_attempts: 5, backoff: \"200ms\")"), &[]),
        32.0,
    );
    assert!(lost.node("clients").counters.failed > 20);
    assert!(saved.node("clients").counters.failed * 5 < lost.node("clients").counters.failed);
    assert!(lost.share("server", "memory_ratio") > 0.5 && lost.share("server", "memory_ratio") < 1.0);
}

#[test]
fn messages_of_a_killed_consumer_are_delivered_again() {
    let text = r#"Architecture(name: "test", nodes: {
        "clients": Clients(rate: "20/s", mix: { "jobs.job": 1 }),
        "jobs": Queue(messages: { "job": "worker.job" }, prefetch: 2),
        "worker": Service(replicas: 2, workers: 2, startup: Constant("500ms"),
            memory: Memory(limit: "100MiB", base: "50MiB", per_request: "1MiB", leak: "500KiB"),
            operations: { "job": [ Compute(Exponential("50ms")) ] }),
    })"#;
    let mut watch = Watch::new(text);
    let queue = watch.at("jobs", 400.0);
    let worker = watch.at("worker", 400.0);
    let kills: u32 = worker.replicas.iter().map(|replica| replica.out_of_memory).sum();
    assert!(kills > 3, "{kills}");
    assert_eq!(queue.failed, 0);
    assert_eq!(queue.arrivals, queue.completed + queue.in_system);
}

#[test]
fn a_second_scheduler_sends_everything_twice() {
    let text = |replicas: u32| {
        model(
            &format!(
                r#""clients": Clients(rate: "1/s", mix: {{ "worker.job": 1 }}),
                   "beat": PeriodicScheduler(replicas: {replicas}, tasks: {{ "worker.sync": (every: "10s"), "worker.job": (every: "1m") }}),
                   "worker": Service(operations: {{ "job": [], "sync": [ Wait(Constant("1s")) ] }}),"#
            ),
            "",
        )
    };
    let one = run(&prepare(&text(1), &[]), 601.0);
    let two = run(&prepare(&text(2), &[]), 601.0);
    assert_eq!((one.arrivals("beat"), one.share("beat", "duplicate_ratio")), (70.0, 0.0));
    assert_eq!((two.arrivals("beat"), two.share("beat", "duplicate_ratio")), (140.0, 0.5));
}

#[test]
fn an_autoscaler_settles_within_the_tolerance_of_its_target() {
    let text = model(
        r#""clients": Clients(rate: "400/s", mix: { "balancer.request": 1 }),
           "balancer": LoadBalancer(target: "server", policy: LeastOutstanding),
           "server": Service(replicas: 2, workers: 16, startup: Constant("10s"), operations: { "request": [ Compute(Exponential("10ms")) ] }),"#,
        r#""autoscaler": HorizontalPodAutoscaler(target: "server", max_replicas: 30, metrics: [ Resource(name: Cpu, target: Utilization("50%")) ])"#,
    );
    let mut watch = Watch::new(&text);
    // Four cores are used at all times: eight pods at 50%, and between 8/1.1 and 8/0.9 within the tolerance.
    for minutes in 20..60 {
        let desired = watch.at("server", f64::from(minutes) * 60.0).desired;
        assert!((7..=9).contains(&desired), "{desired} after {minutes} min");
    }
}

/// Eight pods would hold the program at 50%, 7.3 the whole pod, and 20 the proxy at a tenth of what it requests.
#[test]
fn an_autoscaler_looks_at_the_whole_pod_or_at_one_of_its_containers() {
    let metrics = [
        ("Resource(name: Cpu, target: Utilization(\"50%\"))", 7..=8),
        ("ContainerResource(name: Cpu, container: \"server\", target: Utilization(\"50%\"))", 7..=9),
        ("ContainerResource(name: Cpu, container: \"proxy\", target: Utilization(\"10%\"))", 18..=22),
        ("ContainerResource(name: Cpu, container: \"proxy\", target: AverageValue(Cores(0.01)))", 36..=45),
    ];
    for (metric, expected) in metrics {
        let text = model(
            r#""clients": Clients(rate: "400/s", mix: { "balancer.request": 1 }),
               "balancer": LoadBalancer(target: "server"),
               "server": Service(replicas: 9, operations: { "request": [ Compute(Exponential("10ms")) ] },
                   sidecars: { "proxy": Sidecar(cpu_request: 0.2, cpu_per_request: "1ms") }),"#,
            &format!(
                r#""autoscaler": HorizontalPodAutoscaler(target: "server", max_replicas: 50, metrics: [ {metric} ])"#
            ),
        );
        let mut watch = Watch::new(&text);
        for minutes in 30..60 {
            let desired = watch.at("server", f64::from(minutes) * 60.0).desired;
            assert!(expected.contains(&desired), "{metric}: {desired} after {minutes} min");
        }
    }
}

#[test]
fn a_service_without_replicas_rejects_or_holds() {
    let text = model(
        r#""clients": Clients(rate: "100/s", mix: { "balancer.request": 1 }),
           "balancer": LoadBalancer(target: "server"),
           "server": Service(workers: 4, startup: Constant("1s"), operations: { "request": [ Compute(Exponential("1ms")) ] }),"#,
        r#""clock": Scheduled(target: "server", period: "1h",
            actions: [(at: "5s", replicas: 0), (at: "7s", replicas: 1), (at: "50m", replicas: 1)])"#,
    );
    let rejects = run(&prepare(&text, &[]), 20.0);
    let holds = run(&prepare(&text, &[("nodes.server.without_replicas", "Hold")]), 20.0);
    let failed = rejects.node("clients").counters.failed;
    assert!((250..=350).contains(&failed), "{failed}");
    assert_eq!(holds.node("clients").counters.failed, 0);
    assert!(holds.node("clients").operations[0].latency.quantile_ns(0.999).expect("requests") > 2.5e9);
}

#[test]
fn where_replicas_are_ended_requests_can_fail() {
    let text = shrinking("500ms");
    assert!(prepare(&text, &[]).can_fail());
    let stays = text.replace("actions: [(at: \"5s\", replicas: 1), ", "actions: [");
    assert_eq!(run(&prepare(&stays, &[]), 10.0).node("clients").counters.failed, 0);
}

#[test]
fn connections_do_not_survive_their_replica_though_another_takes_its_place() {
    let text = model(
        r#""clients": Clients(users: 400, think: Exponential("10s"), mix: { "balancer.request": 1 }),
           "balancer": LoadBalancer(target: "server", policy: PersistentConnections),
           "server": Service(replicas: 2, workers: 8, operations: { "request": [ Compute(Exponential("1ms")) ] }),"#,
        r#""clock": Scheduled(target: "server", period: "1h",
            actions: [(at: "60s", replicas: 1), (at: "60500ms", replicas: 2), (at: "50m", replicas: 2)])"#,
    );
    let mut watch = Watch::new(&text);
    let completed = |watch: &mut Watch, seconds| -> Vec<u64> {
        watch.at("server", seconds).replicas.iter().map(|replica| replica.completed).collect()
    };
    let (early, late) = (completed(&mut watch, 120.0), completed(&mut watch, 320.0));
    // Half of those that were connected to the second one come back to its place, so it has a quarter.
    let share = (late[1] - early[1]) as f64 / (late[0] - early[0] + late[1] - early[1]) as f64;
    assert!((0.18..0.32).contains(&share), "{share}");
}

#[test]
fn event_loops_are_resized_by_whole_cores() {
    let text = model(
        r#""clients": Clients(rate: "20/s", mix: { "server.request": 1 }),
           "server": Service(replicas: 3, cpu: 4, scheduling: RunToCompletion, operations: { "request": [ Compute(Exponential("5ms")) ] }),"#,
        r#""size": VerticalPodAutoscaler(target: "server")"#,
    );
    let mut watch = Watch::new(&text);
    let after = watch.at("server", 3_600.0);
    assert!(after.replicas.iter().all(|replica| replica.cores == 1.0 || replica.cores == 4.0), "{:?}", after.replicas);
    assert!(after.replicas.iter().any(|replica| replica.cores == 1.0));
}

/// An event loop has a whole core, whatever it requests; what it requests is what the autoscaler sets, and then it is content.
#[test]
fn a_resized_event_loop_is_not_evicted_again_and_again() {
    let text = model(
        r#""clients": Clients(rate: "10/s", mix: { "server.request": 1 }),
           "server": Service(replicas: 4, cpu: 4, scheduling: RunToCompletion, operations: { "request": [ Compute(Exponential("10ms")) ] }),"#,
        r#""autoscaler": VerticalPodAutoscaler(target: "server")"#,
    );
    let run = run(&prepare(&text, &[]), 86_400.0);
    let evictions = run.share("server", "evictions_per_hour") * 24.0;
    assert!((4.0..=8.0).contains(&evictions), "{evictions} evictions of 4 replicas in a day");
}

/// Two pods of four cores that use one: they get what is recommended without a restart, and what they do goes on.
#[test]
fn pods_are_resized_while_they_run() {
    let text = |fields: &str| {
        model(
            r#""clients": Clients(rate: "40/s", mix: { "server.request": 1 }),
               "server": Service(replicas: 2, cpu: 4, workers: 4, price: "$1/h", startup: Constant("1m"),
                                 memory: Memory(limit: "4GiB", base: "1GiB", per_request: "1MiB"),
                                 operations: { "request": [ Compute(Exponential("50ms")) ] }),"#,
            &format!(
                r#""autoscaler": VerticalPodAutoscaler(target: "server", pod_lifetime_update_threshold: "1h", {fields})"#
            ),
        )
    };
    let mut watch = Watch::new(&text("update_mode: InPlaceOrRecreate"));
    let [before, after] = [60.0, 7_200.0].map(|seconds| watch.at("server", seconds));
    for (old, new) in before.replicas.iter().zip(&after.replicas) {
        assert_eq!(old.id, new.id, "nobody was evicted");
        assert!((0.8..2.2).contains(&new.cores) && new.cores == new.requested_cores, "{new:?}");
        assert!(
            new.memory_limit_bytes < old.memory_limit_bytes && new.memory_limit_bytes == new.requested_memory_bytes
        );
    }
    let run_of = |fields: &str| run(&prepare(&text(fields), &[]), 14_400.0);
    let (in_place, recreated) = (run_of("update_mode: InPlaceOrRecreate"), run_of("update_mode: Recreate"));
    assert_eq!((in_place.share("server", "evictions_per_hour"), in_place.failed_ratio("server")), (0.0, 0.0));
    assert!(recreated.share("server", "evictions_per_hour") > 0.0);
    // Only requests: cores and memory stay, and so does the price.
    let mut watch = Watch::new(&text("update_mode: InPlaceOrRecreate, controlled_values: RequestsOnly"));
    let after = watch.at("server", 7_200.0);
    for replica in &after.replicas {
        assert_eq!((replica.cores, replica.memory_limit_bytes), (4.0, 4 << 30));
        assert!(replica.requested_cores < 2.2 && replica.requested_memory_bytes < 2 << 30, "{replica:?}");
    }
}

/// A limit of memory below what is held is not carried out; after an hour the pod is evicted instead.
#[test]
fn what_cannot_be_resized_is_recreated_after_an_hour() {
    let text = model(
        r#""clients": Clients(rate: "4/s", mix: { "server.request": 1 }),
           "server": Service(replicas: 2, cpu: 4, workers: 400, memory: Memory(limit: "8GiB", base: "320MiB"),
                             operations: { "request": [ Compute(Exponential("5ms")) ] }),"#,
        r#""autoscaler": VerticalPodAutoscaler(target: "server", update_mode: InPlaceOrRecreate, pod_lifetime_update_threshold: "1h",
                                             max_allowed: (memory: "310MiB"))"#,
    );
    let mut watch = Watch::new(&text);
    let first = watch.at("server", 600.0).replicas[0].id;
    // What a pod holds is more than it may be given from the beginning, so no resize succeeds.
    let before = watch.at("server", 3_500.0);
    assert!(
        before.replicas.iter().any(|replica| replica.id == first) && before.replicas[0].memory_limit_bytes == 8 << 30
    );
    let after = watch.at("server", 12_000.0);
    assert!(after.replicas.iter().all(|replica| replica.id != first), "{:?}", after.replicas);
}

/// More event loops take up what waits for one at once.
#[test]
fn event_loops_that_are_resized_take_up_what_waits() {
    let text = model(
        r#""clients": Clients(rate: "39/s", mix: { "server.request": 1 }),
           "server": Service(replicas: 2, cpu: 2, cpu_request: 0.1, scheduling: RunToCompletion, operations: { "request": [ Compute(Exponential("50ms")) ] }),"#,
        r#""autoscaler": VerticalPodAutoscaler(target: "server", update_mode: InPlaceOrRecreate)"#,
    );
    let mut watch = Watch::new(&text);
    let after = watch.at("server", 7_200.0);
    assert!(after.replicas.iter().all(|replica| replica.cores >= 3.0), "{:?}", after.replicas);
    assert!(after.waiting < 100, "{}", after.waiting);
}
