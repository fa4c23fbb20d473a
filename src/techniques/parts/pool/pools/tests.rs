use super::*;

const RULES: Rules = Rules {
    most: 2,
    reserve: 0,
    reserve_after_ns: 0,
    least: Least::Idle(0),
    wait_timeout_ns: Some(100),
    idle_timeout_ns: None,
    lifetime_ns: None,
    lifetime_spread: 0.0,
    opening_at_once: u32::MAX,
    pauses_ns: (10, 40),
    fails_without_any: false,
};

fn acts(pools: &mut Pools) -> Vec<Act> {
    std::iter::from_fn(|| pools.next_act()).collect()
}

/// Opens whatever is to be opened, and returns the other acts.
fn open_all(pools: &mut Pools, now_ns: u64) -> Vec<Act> {
    let mut others = Vec::new();
    while let Some(act) = pools.next_act() {
        match act {
            Act::Open { ticket } => pools.opened(now_ns, ticket, Outcome::Done, 7),
            other => others.push(other),
        }
    }
    pools.audit(now_ns).expect("the ledger is right");
    others
}

#[test]
fn the_connection_used_last_goes_first() {
    let mut pools = Pools::new(Rules { least: Least::Idle(2), ..RULES }, 1);
    pools.begin(0, 0);
    open_all(&mut pools, 1);
    let first = pools.ask(2, 0, 10).expect("one is idle");
    let second = pools.ask(2, 0, 11).expect("another is idle");
    pools.release(3, second);
    pools.release(4, first);
    assert_eq!(pools.ask(5, 0, 12), Some(first));
    pools.audit(6).expect("the ledger is right");
}

#[test]
fn who_waits_is_served_in_order_and_fails_after_the_timeout() {
    let mut pools = Pools::new(Rules { most: 1, ..RULES }, 1);
    assert_eq!(pools.ask(0, 0, 1), None);
    let granted = open_all(&mut pools, 5);
    assert!(granted.contains(&Act::Grant { slot: 1, number: 0 }));
    assert_eq!(pools.ask(6, 0, 2), None);
    assert_eq!(pools.ask(7, 0, 3), None);
    acts(&mut pools);
    pools.release(50, 0);
    assert_eq!(acts(&mut pools)[0], Act::Grant { slot: 2, number: 0 });
    // Looks are at the times at which the longest wait is over.
    pools.look(100, 0);
    assert_eq!(acts(&mut pools), [Act::Look { place: 0, at_ns: 107 }]);
    pools.look(107, 0);
    assert_eq!(acts(&mut pools), [Act::Drop { slot: 3, failure: Failure::TimedOut }]);
    pools.audit(110).expect("the ledger is right");
}

#[test]
fn idle_connections_beyond_the_least_are_closed_in_time() {
    let mut pools = Pools::new(Rules { least: Least::Idle(1), idle_timeout_ns: Some(1_000), ..RULES }, 1);
    pools.begin(0, 0);
    open_all(&mut pools, 1);
    let first = pools.ask(2, 0, 1).expect("one is idle");
    open_all(&mut pools, 3);
    pools.release(4, first);
    let looks = open_all(&mut pools, 5);
    assert_eq!(looks, [Act::Look { place: 0, at_ns: 1_003 }]);
    pools.look(1_003, 0);
    assert_eq!(acts(&mut pools), [Act::Close { target: 7 }]);
    pools.audit(1_003).expect("the ledger is right");
}

#[test]
fn old_connections_are_closed_when_they_are_idle_and_others_take_their_place() {
    let mut pools = Pools::new(Rules { most: 1, least: Least::Total(1), lifetime_ns: Some(500), ..RULES }, 1);
    pools.begin(0, 0);
    open_all(&mut pools, 0);
    let number = pools.ask(400, 0, 1).expect("one is idle");
    pools.look(500, 0);
    assert_eq!(acts(&mut pools), [], "one in use stays");
    pools.release(600, number);
    assert_eq!(acts(&mut pools), [Act::Close { target: 7 }, Act::Open { ticket: 0 }]);
    pools.audit(600).expect("the ledger is right");
}

#[test]
fn the_reserve_opens_for_who_has_waited() {
    let rules = Rules { most: 1, reserve: 1, reserve_after_ns: 50, opening_at_once: 1, ..RULES };
    let mut pools = Pools::new(rules, 1);
    pools.ask(0, 0, 1);
    open_all(&mut pools, 0);
    pools.ask(10, 0, 2);
    assert_eq!(acts(&mut pools), [], "the first look is early enough");
    pools.look(50, 0);
    assert_eq!(acts(&mut pools), [Act::Look { place: 0, at_ns: 60 }]);
    pools.look(60, 0);
    assert_eq!(open_all(&mut pools, 61)[1..], [Act::Grant { slot: 2, number: 1 }]);
}

#[test]
fn after_a_refusal_there_is_a_pause_that_doubles() {
    let mut pools = Pools::new(Rules { most: 1, wait_timeout_ns: None, ..RULES }, 1);
    pools.ask(0, 0, 1);
    let refuse = |pools: &mut Pools, now_ns: u64| {
        let ticket = acts(pools).into_iter().find_map(|act| match act {
            Act::Open { ticket } => Some(ticket),
            _ => None,
        });
        pools.opened(now_ns, ticket.expect("one is to be opened"), Outcome::Failed(Failure::Rejected), 0);
        acts(pools)
    };
    assert_eq!(refuse(&mut pools, 1), [Act::Look { place: 0, at_ns: 11 }]);
    pools.look(11, 0);
    assert_eq!(refuse(&mut pools, 12), [Act::Look { place: 0, at_ns: 32 }]);
    assert_eq!(pools.waiting(), 1);
}

#[test]
fn nothing_is_left_of_a_place_that_is_gone() {
    let mut pools = Pools::new(RULES, 2);
    pools.ask(0, 1, 1);
    open_all(&mut pools, 1);
    pools.ask(2, 1, 2);
    pools.ask(2, 1, 3);
    acts(&mut pools);
    pools.end(3, 1);
    assert_eq!(acts(&mut pools).len(), 2, "those who wait are told");
    pools.release(4, 0);
    assert_eq!(acts(&mut pools), [Act::Close { target: 7 }]);
    pools.opened(5, 1, Outcome::Done, 9);
    assert_eq!(acts(&mut pools), [Act::Close { target: 9 }], "what was being opened is closed");
    pools.audit(6).expect("the ledger is right");
}
