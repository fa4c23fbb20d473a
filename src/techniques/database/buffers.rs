//! The buffer pool of one server: which pages are in memory, the least recently used of which goes first.
//!
//! Real pages of real keys, by number, in a list that is linked through two words for each page: a hit ratio is not
//! written anywhere, it follows.

const NONE: u32 = u32::MAX;
const ABSENT: u32 = u32::MAX - 1;

/// Pages in memory.
#[derive(Clone, Debug)]
pub struct Buffers {
    /// The page used before and after each; of those that are not in memory, [`ABSENT`].
    links: Vec<(u32, u32)>,
    newest: u32,
    oldest: u32,
    resident: u64,
    capacity: u64,
}

impl Buffers {
    /// An empty pool for `pages` different pages with room for `capacity`.
    pub fn new(pages: u64, capacity: u64) -> Self {
        Self {
            links: vec![(ABSENT, ABSENT); pages as usize],
            newest: NONE,
            oldest: NONE,
            resident: 0,
            capacity: capacity.max(1),
        }
    }

    /// Pages that there is room for.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// A page is used. Returns whether it was in memory.
    pub fn touch(&mut self, page: u64) -> bool {
        let page = page as u32;
        let is_hit = self.links[page as usize].0 != ABSENT;
        if is_hit {
            self.unlink(page);
        } else if self.resident == self.capacity {
            let oldest = self.oldest;
            self.unlink(oldest);
            self.links[oldest as usize] = (ABSENT, ABSENT);
        } else {
            self.resident += 1;
        }
        self.links[page as usize] = (NONE, self.newest);
        if self.newest == NONE {
            self.oldest = page;
        } else {
            self.links[self.newest as usize].0 = page;
        }
        self.newest = page;
        is_hit
    }

    /// Whether a page is in memory.
    pub fn has(&self, page: u64) -> bool {
        self.links.get(page as usize).is_some_and(|link| link.0 != ABSENT)
    }

    fn unlink(&mut self, page: u32) {
        let (newer, older) = self.links[page as usize];
        if newer == NONE {
            self.newest = older;
        } else {
            self.links[newer as usize].1 = older;
        }
        if older == NONE {
            self.oldest = newer;
        } else {
            self.links[older as usize].0 = newer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_page_goes_first() {
        let mut buffers = Buffers::new(10, 3);
        let hits: Vec<bool> = [1, 2, 3, 1, 4, 2, 1, 3].map(|page| buffers.touch(page)).to_vec();
        // 4 pushes 2 out, 2 pushes 3 out, 3 pushes 4 out.
        assert_eq!(hits, [false, false, false, true, false, false, true, false]);
    }

    #[test]
    fn it_does_what_a_list_does() {
        let (mut buffers, mut list) = (Buffers::new(50, 7), Vec::new());
        let mut state = 1u64;
        for _ in 0..5_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let page = (state >> 33) % 50 * ((state >> 50) % 2);
            let known = list.iter().position(|one| *one == page);
            assert_eq!(buffers.touch(page), known.is_some());
            if let Some(position) = known {
                list.remove(position);
            }
            list.push(page);
            if list.len() > 7 {
                list.remove(0);
            }
        }
    }
}
