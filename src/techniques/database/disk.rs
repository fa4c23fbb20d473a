//! The disk of one server, of which a provider sells so many operations a second: they wait for their turn.

/// Operations in order, each of which takes its share of a second.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// When all that was asked for is done.
    free_at_ns: u64,
    operations: u64,
    /// Time that the operations so far take.
    demanded_ns: u128,
}

impl Disk {
    /// Asks for so many operations of `each_ns` nanoseconds. Returns when the last of them is done.
    pub fn queue(&mut self, now_ns: u64, operations: u64, each_ns: f64) -> u64 {
        let work_ns = (operations as f64 * each_ns) as u64;
        self.operations += operations;
        self.demanded_ns += u128::from(work_ns);
        self.free_at_ns = self.free_at_ns.max(now_ns).saturating_add(work_ns);
        self.free_at_ns
    }

    /// How long it was busy until now.
    pub fn busy_ns(&self, now_ns: u64) -> u128 {
        self.demanded_ns - u128::from(self.free_at_ns.saturating_sub(now_ns))
    }

    /// Operations asked for so far.
    pub fn operations(&self) -> u64 {
        self.operations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_wait_for_those_before() {
        let mut disk = Disk::default();
        assert_eq!(disk.queue(100, 2, 10.0), 120);
        assert_eq!(disk.queue(105, 1, 10.0), 130);
        assert_eq!(disk.queue(200, 1, 10.0), 210);
        assert_eq!((disk.busy_ns(205), disk.busy_ns(300), disk.operations()), (35, 40, 4));
    }
}
