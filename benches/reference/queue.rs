//! A first-in-first-out queue on a ring whose size is a power of two, so that wrapping around is one bit mask.

pub struct Queue<T> {
    slots: Box<[T]>,
    head: usize,
    tail: usize,
}

impl<T: Copy + Default> Queue<T> {
    pub fn new() -> Self {
        Self::with_room(64)
    }

    /// Room for so many items at first: a power of two.
    pub fn with_room(items: usize) -> Self {
        Self { slots: vec![T::default(); items].into(), head: 0, tail: 0 }
    }

    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    #[inline(always)]
    pub fn push(&mut self, item: T) {
        if self.tail - self.head == self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        self.slots[self.tail & mask] = item;
        self.tail += 1;
    }

    /// The oldest item, which must exist.
    #[inline(always)]
    pub fn pop(&mut self) -> T {
        let mask = self.slots.len() - 1;
        let item = self.slots[self.head & mask];
        self.head += 1;
        item
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len();
        let mut slots = vec![T::default(); size * 2];
        for index in self.head..self.tail {
            slots[index & (size * 2 - 1)] = self.slots[index & (size - 1)];
        }
        self.slots = slots.into();
    }
}
