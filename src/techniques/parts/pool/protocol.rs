//! How callers and those who accept connections speak with each other: by the number of the operation that is called.

/// What a caller wants of a node that accepts connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// An operation, over a connection that is there for it alone.
    Alone(u16),
    /// A connection that stays open until the caller closes it. The replica in the reply is its number, by which the
    /// caller names it from then on: as the replica that it calls, and when it closes it.
    Connect,
    /// An operation over an open connection.
    Over(u16),
    /// As `Over`, as one of several statements of a transaction: the connection is not free after it.
    Within(u16),
}

/// The numbers of operations at a node that accepts connections: first its own operations, as everywhere; then connecting;
/// then its operations once more, over a connection; then again, within a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    operations: u16,
}

impl Protocol {
    /// More operations cannot be numbered.
    pub const MOST_OPERATIONS: usize = 20_000;

    /// Of a node with so many operations of its own.
    pub fn new(operations: usize) -> Self {
        Self { operations: operations.min(Self::MOST_OPERATIONS) as u16 }
    }

    /// What the caller of this number wants.
    #[inline]
    pub fn wish(self, number: u16) -> Wish {
        let count = self.operations;
        if number < count {
            Wish::Alone(number)
        } else if number == count {
            Wish::Connect
        } else if number <= 2 * count {
            Wish::Over(number - count - 1)
        } else {
            Wish::Within(number - 2 * count - 1)
        }
    }

    /// The number by which this is called.
    #[inline]
    pub fn number(self, wish: Wish) -> u16 {
        match wish {
            Wish::Alone(operation) => operation,
            Wish::Connect => self.operations,
            Wish::Over(operation) => self.operations + 1 + operation,
            Wish::Within(operation) => 2 * self.operations + 1 + operation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wish_has_a_number_of_its_own() {
        let protocol = Protocol::new(3);
        let wishes = (0..3).map(Wish::Alone).chain([Wish::Connect]);
        let wishes = wishes.chain((0..3).map(Wish::Over)).chain((0..3).map(Wish::Within));
        for (number, wish) in wishes.enumerate() {
            assert_eq!(protocol.number(wish), number as u16);
            assert_eq!(protocol.wish(number as u16), wish);
        }
    }
}
