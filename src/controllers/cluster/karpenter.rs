//! Machines for pods that wait, and cheaper machines for pods that run, in Karpenter's way: by instance type.

use crate::controllers::cluster::packing::{Host, first_fit};
use crate::controllers::cluster::resources::Resources;

/// A type of machine that may be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub allocatable: Resources,
    pub micro_usd_per_hour: u64,
    /// Machines of it that may still be asked for.
    pub left: u32,
    pub is_spot: bool,
}

/// A machine to be: what its pods request, and the kinds that would hold them.
struct Claim {
    requested: Resources,
    kinds: Vec<usize>,
}

/// The kinds of machines to ask for. Pods are packed, the largest first, as long as any kind holds those of a machine; then
/// each machine is of the cheapest kind that does.
pub fn machines_for(pods: &[Resources], kinds: &[Kind]) -> Vec<usize> {
    let mut pods = pods.to_vec();
    pods.sort_by_key(|pod| std::cmp::Reverse((pod.cpu_milli, pod.memory_bytes)));
    let holding = |requested: Resources, among: &[usize]| -> Vec<usize> {
        among.iter().copied().filter(|&kind| requested.fits_into(kinds[kind].allocatable)).collect()
    };
    let open: Vec<usize> = (0..kinds.len()).filter(|&kind| kinds[kind].left > 0).collect();
    let mut claims: Vec<Claim> = Vec::new();
    for pod in pods {
        let narrowed = claims.iter().enumerate().find_map(|(place, claim)| {
            let kinds = holding(claim.requested + pod, &claim.kinds);
            (!kinds.is_empty()).then_some((place, kinds))
        });
        if let Some((place, kinds)) = narrowed {
            claims[place] = Claim { requested: claims[place].requested + pod, kinds };
            continue;
        }
        let kinds = holding(pod, &open);
        if !kinds.is_empty() {
            claims.push(Claim { requested: pod, kinds });
        }
    }
    let mut left: Vec<u32> = kinds.iter().map(|kind| kind.left).collect();
    let mut found = Vec::new();
    for claim in claims {
        let there = claim.kinds.into_iter().filter(|&kind| left[kind] > 0);
        if let Some(kind) = there.min_by_key(|&kind| kinds[kind].micro_usd_per_hour) {
            left[kind] -= 1;
            found.push(kind);
        }
    }
    found
}

/// The machine to give back, and what to put in its place if anything: the one with the fewest pods whose pods fit elsewhere,
/// or fit elsewhere but for what one cheaper machine takes. A spot machine is not replaced by another one, as is the default.
pub fn consolidate(hosts: &[Host], kinds: &[Kind]) -> Option<(usize, Option<usize>)> {
    let mut candidates: Vec<usize> = (0..hosts.len()).filter(|&host| hosts[host].may_go).collect();
    candidates.sort_by_key(|&host| hosts[host].pods.len());
    candidates.into_iter().find_map(|candidate| {
        let host = &hosts[candidate];
        let mut rooms: Vec<Resources> = hosts.iter().map(|host| host.free).collect();
        rooms[candidate] = Resources::default();
        let homeless = host.pods.iter().filter(|&&pod| first_fit(&mut rooms, pod).is_none());
        let homeless = homeless.fold(Resources::default(), |sum, &pod| sum + pod);
        if homeless == Resources::default() {
            return Some((candidate, None));
        }
        let does = |kind: &Kind| {
            kind.left > 0
                && kind.micro_usd_per_hour < host.micro_usd_per_hour
                && homeless.fits_into(kind.allocatable)
                && !(host.is_spot && kind.is_spot)
        };
        let cheaper = (0..kinds.len()).filter(|&kind| does(&kinds[kind]));
        cheaper.min_by_key(|&kind| kinds[kind].micro_usd_per_hour).map(|kind| (candidate, Some(kind)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cores: u64, micro_usd_per_hour: u64, left: u32) -> Kind {
        let allocatable = Resources { cpu_milli: cores * 1_000, memory_bytes: 0, pods: 110 };
        Kind { allocatable, micro_usd_per_hour, left, is_spot: false }
    }

    fn pod(cores: f64) -> Resources {
        Resources::of_pod(cores, 0)
    }

    fn host(free: u64, pods: &[f64], micro_usd_per_hour: u64) -> Host {
        Host {
            free: Resources { cpu_milli: free * 1_000, memory_bytes: 0, pods: 50 },
            pods: pods.iter().map(|&cores| pod(cores)).collect(),
            may_go: true,
            micro_usd_per_hour,
            is_spot: false,
        }
    }

    #[test]
    fn pods_share_the_largest_machine_and_the_cheapest_that_fits_is_taken() {
        let kinds = [kind(2, 100, 9), kind(4, 190, 9), kind(16, 700, 9)];
        assert_eq!(machines_for(&[pod(1.0); 3], &kinds), [1]);
        assert_eq!(machines_for(&[pod(1.0); 18], &kinds), [2, 0]);
        assert_eq!(machines_for(&[pod(17.0)], &kinds), [0; 0]);
    }

    #[test]
    fn kinds_that_are_used_up_are_passed_over() {
        let kinds = [kind(2, 100, 1), kind(4, 190, 9)];
        assert_eq!(machines_for(&[pod(2.0); 1], &kinds), [0]);
        assert_eq!(machines_for(&[pod(3.0), pod(3.0), pod(2.0)], &kinds), [1, 1, 0]);
        assert_eq!(machines_for(&[pod(2.0), pod(2.0), pod(2.0)], &[kind(2, 100, 1)]), [0]);
    }

    #[test]
    fn what_fits_elsewhere_goes_and_the_rest_moves_to_something_cheaper() {
        let kinds = [kind(2, 100, 9), kind(4, 190, 9)];
        let two = [host(2, &[2.0], 190), host(3, &[1.0], 190)];
        assert_eq!(consolidate(&two, &kinds), Some((0, None)));
        assert_eq!(consolidate(&[host(2, &[2.0], 190)], &kinds), Some((0, Some(0))));
        assert_eq!(consolidate(&[host(1, &[3.0], 190)], &kinds), None);
        let spot = Host { is_spot: true, ..host(2, &[2.0], 190) };
        assert_eq!(consolidate(&[spot], &[Kind { is_spot: true, ..kinds[0] }]), None);
        let young = Host { may_go: false, ..host(2, &[2.0], 190) };
        assert_eq!(consolidate(&[young], &kinds), None);
    }
}
