//! How many machines pods need: first-fit decreasing, as Cluster Autoscaler estimates it.

use crate::controllers::cluster::resources::Resources;

/// A machine that takes pods, as those see it who look for one that could go.
#[derive(Clone, Debug)]
pub struct Host {
    pub free: Resources,
    pub pods: Vec<Resources>,
    /// Whether it comes into question.
    pub may_go: bool,
    pub micro_usd_per_hour: u64,
    pub is_spot: bool,
}

/// What a number of equal new machines would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    pub machines: u32,
    /// Places of the pods that they take.
    pub pods: Vec<usize>,
    /// What these request together.
    pub requested: Resources,
}

/// The places of pods from the largest to the smallest, by the sum of their shares of a machine; equal ones in order.
fn decreasing(pods: &[Resources], machine: Resources) -> Vec<usize> {
    // Shares of cores and of memory over one denominator, so that whole numbers are compared.
    let size = |pod: Resources| {
        u128::from(pod.cpu_milli) * u128::from(machine.memory_bytes.max(1))
            + u128::from(pod.memory_bytes) * u128::from(machine.cpu_milli.max(1))
    };
    let mut places: Vec<usize> = (0..pods.len()).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(size(pods[place])));
    places
}

/// Takes room for a pod in the first of these that has it.
pub fn first_fit(rooms: &mut [Resources], pod: Resources) -> Option<usize> {
    let found = rooms.iter().position(|free| pod.fits_into(*free))?;
    rooms[found] -= pod;
    Some(found)
}

/// The pods that find no room in what is free.
pub fn left_over(pods: impl IntoIterator<Item = Resources>, rooms: &mut [Resources]) -> Vec<Resources> {
    pods.into_iter().filter(|&pod| first_fit(rooms, pod).is_none()).collect()
}

/// How many machines of this size, `most` at the most, take as many as possible of the pods.
pub fn estimate(pods: &[Resources], machine: Resources, most: u32) -> Estimate {
    let mut rooms: Vec<Resources> = Vec::new();
    let mut found = Estimate::default();
    for place in decreasing(pods, machine) {
        let pod = pods[place];
        if first_fit(&mut rooms, pod).is_none() {
            if rooms.len() >= most as usize || !pod.fits_into(machine) {
                continue;
            }
            rooms.push(machine - pod);
        }
        found.pods.push(place);
        found.requested += pod;
    }
    found.machines = rooms.len() as u32;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Resources = Resources { cpu_milli: 4_000, memory_bytes: 16_000, pods: 10 };

    fn pods(cores: &[f64]) -> Vec<Resources> {
        cores.iter().map(|&cores| Resources::of_pod(cores, 0)).collect()
    }

    #[test]
    fn large_pods_come_first() {
        // In the order of arrival these would need three machines.
        let found = estimate(&pods(&[1.0, 1.0, 3.0, 3.0]), MACHINE, 10);
        assert_eq!((found.machines, found.pods), (2, vec![2, 3, 0, 1]));
    }

    #[test]
    fn the_limit_holds_and_small_pods_fill_what_is_there() {
        let found = estimate(&pods(&[3.0, 3.0, 1.0]), MACHINE, 1);
        assert_eq!((found.machines, found.pods), (1, vec![0, 2]));
        assert_eq!(found.requested.cpu_milli, 4_000);
    }

    #[test]
    fn what_fits_no_machine_asks_for_none() {
        assert_eq!(estimate(&pods(&[4.001]), MACHINE, 10), Estimate::default());
        assert_eq!(estimate(&pods(&[1.0]), MACHINE, 0), Estimate::default());
    }

    #[test]
    fn memory_and_the_number_of_pods_bind_too() {
        let heavy = vec![Resources::of_pod(0.1, 9_000); 3];
        assert_eq!(estimate(&heavy, MACHINE, 10).machines, 3);
        assert_eq!(estimate(&pods(&[0.001; 25]), MACHINE, 10).machines, 3);
    }

    #[test]
    fn room_is_taken_once() {
        let mut rooms = [Resources { cpu_milli: 1_500, memory_bytes: 0, pods: 9 }, MACHINE];
        assert_eq!(left_over(pods(&[1.0, 1.0, 3.5]), &mut rooms), pods(&[3.5]));
    }
}
