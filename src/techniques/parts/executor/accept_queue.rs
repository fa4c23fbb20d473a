//! Visits that wait for a worker, in the order in which they get one.

use crate::engine::context::Context;
use crate::engine::visit::VisitList;

/// Priorities that a priority queue tells apart.
pub const PRIORITIES: usize = 8;

/// In which order waiting visits get a worker.
#[derive(Clone, Debug)]
pub enum AcceptQueue {
    FirstComeFirstServed(VisitList),
    LastComeFirstServed(VisitList),
    /// By the request's priority, then in order of arrival; work that has begun is not interrupted.
    Priority(Box<[VisitList; PRIORITIES]>),
}

impl AcceptQueue {
    #[inline(always)]
    pub(super) fn push(&mut self, context: &mut Context, slot: u32) {
        match self {
            Self::FirstComeFirstServed(list) => list.push_back(context.visits(), slot),
            Self::LastComeFirstServed(list) => list.push_front(context.visits(), slot),
            Self::Priority(lists) => {
                let priority = usize::from(context.visit(slot).priority).min(PRIORITIES - 1);
                lists[priority].push_back(context.visits(), slot);
            }
        }
    }

    #[inline(always)]
    pub(super) fn pop(&mut self, context: &mut Context) -> Option<u32> {
        match self {
            Self::FirstComeFirstServed(list) | Self::LastComeFirstServed(list) => list.pop_front(context.visits()),
            Self::Priority(lists) => lists.iter_mut().find_map(|list| list.pop_front(context.visits())),
        }
    }
}
