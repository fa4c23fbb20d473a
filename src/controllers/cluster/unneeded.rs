//! Machines that the cluster could do without, as Cluster Autoscaler finds them.

use crate::controllers::cluster::packing::{Host, first_fit};
use crate::controllers::cluster::resources::Resources;

/// Which of these may go, all at once: those without pods, and those whose pods fit on machines that stay. `may_go` says of
/// each whether it is used so little that it comes into question.
pub fn unneeded(hosts: &[Host]) -> Vec<bool> {
    let mut rooms: Vec<Resources> = hosts.iter().map(|host| host.free).collect();
    let mut goes = vec![false; hosts.len()];
    // A machine that others' pods are to move to has to stay.
    let mut receives = vec![false; hosts.len()];
    let (empty, used): (Vec<usize>, Vec<usize>) = (0..hosts.len()).partition(|&place| hosts[place].pods.is_empty());
    for place in empty.into_iter().chain(used) {
        if !hosts[place].may_go || receives[place] {
            continue;
        }
        let mut tried = rooms.clone();
        tried[place] = Resources::default();
        let moves: Option<Vec<usize>> = hosts[place].pods.iter().map(|&pod| first_fit(&mut tried, pod)).collect();
        if let Some(moves) = moves {
            moves.into_iter().for_each(|place| receives[place] = true);
            rooms = tried;
            goes[place] = true;
        }
    }
    goes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(free: f64, pods: &[f64]) -> Host {
        Host {
            free: Resources { pods: 100, ..Resources::of_pod(free, 0) },
            pods: pods.iter().map(|&cores| Resources::of_pod(cores, 0)).collect(),
            may_go: true,
            micro_usd_per_hour: 0,
            is_spot: false,
        }
    }

    #[test]
    fn pods_must_fit_on_what_stays() {
        assert_eq!(unneeded(&[host(3.0, &[1.0]), host(3.0, &[1.0])]), [true, false]);
        assert_eq!(unneeded(&[host(3.0, &[1.0]), host(0.5, &[1.0])]), [false, true]);
        assert_eq!(unneeded(&[host(2.0, &[2.0]), host(1.0, &[1.0, 1.0, 1.0])]), [false, false]);
    }

    #[test]
    fn empty_machines_go_first_and_take_nothing_in() {
        assert_eq!(unneeded(&[host(3.0, &[1.0]), host(4.0, &[])]), [false, true]);
        assert_eq!(unneeded(&[host(4.0, &[]), host(4.0, &[])]), [true, true]);
    }

    #[test]
    fn room_is_promised_once() {
        // Both would fit on the third alone, but not together.
        let mut third = host(1.5, &[2.0]);
        third.may_go = false;
        assert_eq!(unneeded(&[host(0.0, &[1.0]), host(0.0, &[1.0]), third]), [true, false, false]);
    }

    #[test]
    fn machines_that_are_used_enough_stay() {
        let busy = Host { may_go: false, ..host(3.0, &[1.0]) };
        assert_eq!(unneeded(&[busy.clone(), busy]), [false, false]);
    }
}
