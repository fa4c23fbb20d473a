//! The replicas of a node.

use std::ops::{Deref, DerefMut};

use crate::techniques::parts::executor::Replica;

/// A list that keeps a single replica, as most nodes have, in the node itself and not somewhere else in memory.
#[derive(Clone, Debug)]
pub enum Replicas {
    One(Replica),
    Many(Vec<Replica>),
}

impl Replicas {
    /// So many equal ones, at least one.
    pub fn new(count: usize, replica: Replica) -> Self {
        if count <= 1 { Self::One(replica) } else { Self::Many(vec![replica; count]) }
    }

    /// One more, at the place behind the last one.
    pub fn push(&mut self, replica: Replica) {
        if let Self::One(first) = self {
            *self = Self::Many(vec![first.clone()]);
        }
        if let Self::Many(replicas) = self {
            replicas.push(replica);
        }
    }
}

impl Deref for Replicas {
    type Target = [Replica];

    #[inline(always)]
    fn deref(&self) -> &[Replica] {
        match self {
            Self::One(replica) => std::slice::from_ref(replica),
            Self::Many(replicas) => replicas,
        }
    }
}

impl DerefMut for Replicas {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Replica] {
        match self {
            Self::One(replica) => std::slice::from_mut(replica),
            Self::Many(replicas) => replicas,
        }
    }
}
