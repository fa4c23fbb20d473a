//! Where labels go so that none covers another.

/// A rectangle in base units, `left` and `top` included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Region {
    fn overlaps(&self, other: &Region) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    fn contains(&self, (x, y): (f64, f64)) -> bool {
        x >= self.left && x <= self.left + self.width && y >= self.top && y <= self.top + self.height
    }

    /// The distance of the rectangle's nearest edge.
    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        let across = (self.left - x).max(x - self.left - self.width).max(0.0);
        let down = (self.top - y).max(y - self.top - self.height).max(0.0);
        across.hypot(down)
    }

    fn is_within(&self, frame: &Region) -> bool {
        self.left >= frame.left
            && self.top >= frame.top
            && self.left + self.width <= frame.left + frame.width
            && self.top + self.height <= frame.top + frame.height
    }
}

/// Moves `wanted` heights apart until neighbours are `gap` apart, with the least sum of squared moves, and keeps them
/// between `top` and `bottom` where they fit. Returns the heights in the order of `wanted`.
///
/// With the k-th label moved up by k gaps, "apart" becomes "in order", and the least squares answer is the isotonic
/// regression, found by pooling adjacent violators.
pub(super) fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Each pool is the sum of its members and their number.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (rank, index) in order.iter().enumerate() {
        let mut pool = (wanted[*index] - rank as f64 * gap, 1);
        while let Some(last) = pools.last() {
            if last.0 / last.1 as f64 <= pool.0 / pool.1 as f64 {
                break;
            }
            pool = (pool.0 + last.0, pool.1 + last.1);
            pools.pop();
        }
        pools.push(pool);
    }
    let room = (bottom - gap * wanted.len().saturating_sub(1) as f64).max(top);
    let flattened = pools.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    let mut heights = vec![0.0; wanted.len()];
    for ((rank, index), height) in order.iter().enumerate().zip(flattened) {
        heights[*index] = height.clamp(top, room) + rank as f64 * gap;
    }
    heights
}

/// Chooses a place for a label of `width` by `height` near each point, or none where every place is taken.
///
/// A label covers no other label, no marker and no sample of a `curve`. Of the free places the first in a fixed order wins.
pub(super) fn place_near(
    points: &[((f64, f64), f64, f64)],
    markers: &[(f64, f64)],
    curve: &[(f64, f64)],
    frame: &Region,
) -> Vec<Option<Region>> {
    const AWAY: f64 = 11.0;
    let occupied: Vec<Region> =
        markers.iter().map(|(x, y)| Region { left: x - 7.0, top: y - 7.0, width: 14.0, height: 14.0 }).collect();
    let mut taken: Vec<Region> = Vec::new();
    let mut places = Vec::with_capacity(points.len());
    for ((x, y), width, height) in points {
        let (lefts, tops) =
            ([x + AWAY, x - AWAY - width, x - width / 2.0], [y - height / 2.0, y - AWAY - height, y + AWAY]);
        let candidates = [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)];
        let candidates = candidates.map(|(column, row)| Region {
            left: lefts[column],
            top: tops[row],
            width: *width,
            height: *height,
        });
        // A label closer to another marker than to its own would be read as that one's.
        let is_clear = |candidate: &Region| {
            let own = candidate.distance((*x, *y));
            markers.iter().all(|marker| marker == &(*x, *y) || candidate.distance(*marker) > own)
        };
        let best = candidates.into_iter().find(|candidate| {
            candidate.is_within(frame)
                && is_clear(candidate)
                && !taken.iter().chain(&occupied).any(|other| candidate.overlaps(other))
                && !curve.iter().any(|sample| candidate.contains(*sample))
        });
        taken.extend(best);
        places.push(best);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_fit_stay_where_they_are_wanted() {
        assert_eq!(spread(&[50.0, 10.0, 90.0], 20.0, 0.0, 100.0), [50.0, 10.0, 90.0]);
    }

    #[test]
    fn labels_are_pushed_apart_evenly_and_stay_inside() {
        assert_eq!(spread(&[50.0, 50.0, 50.0], 20.0, 0.0, 100.0), [30.0, 50.0, 70.0]);
        assert_eq!(spread(&[98.0, 99.0], 20.0, 0.0, 100.0), [80.0, 100.0]);
        assert_eq!(spread(&[1.0, 2.0], 20.0, 0.0, 100.0), [0.0, 20.0]);
        assert!(spread(&[], 20.0, 0.0, 100.0).is_empty());
    }

    #[test]
    fn a_label_without_a_free_place_is_left_out() {
        let frame = Region { left: 0.0, top: 0.0, width: 100.0, height: 100.0 };
        let crowd = vec![((50.0, 50.0), 30.0, 15.0); 20];
        let places = place_near(&crowd, &[(50.0, 50.0)], &[], &frame);
        assert!(places[0].is_some());
        assert!(places.iter().any(Option::is_none));
    }
}
