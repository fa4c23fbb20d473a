//! Ketama, the hash ring that clients of memcached agree on: 160 points for each server, which are the four little-endian
//! words of 40 MD5 digests, of `host:port-0` to `host:port-39`. Each key belongs to the first point at or after the first
//! word of its own digest.

use std::sync::Arc;

use md5::{Digest, Md5};

/// Digests that each server has.
const DIGESTS: u32 = 40;

/// Points in ascending order, each with the position of its server.
#[derive(Clone, Debug)]
pub struct Continuum(Arc<[(u32, u32)]>);

impl Continuum {
    /// The points of these servers, named `host:port`.
    pub fn of(servers: impl IntoIterator<Item = String>) -> Self {
        let points = |(position, server): (usize, String)| {
            let digests = move |digest: u32| words(format!("{server}-{digest}").as_bytes());
            (0..DIGESTS).flat_map(digests).map(move |point| (point, position as u32))
        };
        let mut points: Vec<(u32, u32)> = servers.into_iter().enumerate().flat_map(points).collect();
        points.sort_unstable();
        Self(points.into())
    }

    /// All points.
    pub fn points(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// The position of the server that this key belongs to.
    pub fn position(&self, key: &[u8]) -> u32 {
        let hash = words(key)[0];
        let next = self.0.partition_point(|&(point, _)| point < hash);
        self.0.get(next).or(self.0.first()).map_or(0, |(_, position)| *position)
    }
}

/// The four words of a digest.
fn words(text: &[u8]) -> [u32; 4] {
    let digest: [u8; 16] = Md5::digest(text).into();
    let word = |at: usize| u32::from_le_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]]);
    [word(0), word(4), word(8), word(12)]
}
