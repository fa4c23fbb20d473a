//! An architecture as its author wrote it: names, not indices.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::diagnostic::span::{Named, Spanned};
use crate::model::assumptions::Assumption;
use crate::techniques::parts::instance::Instance;
use crate::techniques::shards::Shards;

/// A whole model file: nodes of kind `N`, links of kind `L` between them, key spaces with laws of kind `K`, and controllers of
/// kind `C`.
///
/// ```ron
/// Architecture(
///     name: "shop",
///     keys: { "customer": Zipf(count: 10_000, exponent: 0.9) },
///     nodes: { "users": Clients(...), "web": Service(...) },
///     links: { "users -> web": Link(timeout: "2s") },
/// )
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(bound(deserialize = "N: DeserializeOwned, L: DeserializeOwned, K: DeserializeOwned, C: DeserializeOwned"))]
pub struct Architecture<N, L, K, C> {
    pub name: Spanned<String>,
    pub description: Option<String>,
    /// Machines that nodes may be on, by the names that their provider gives them.
    #[serde(default)]
    pub instances: Named<Instance>,
    /// Spaces that requests draw their keys from.
    #[serde(default)]
    pub keys: Named<K>,
    pub nodes: Named<N>,
    /// By the name of the node that is divided.
    #[serde(default)]
    pub shards: Named<Shards>,
    /// By `"from -> to"`.
    #[serde(default)]
    pub links: Named<L>,
    /// What changes the architecture while it runs.
    #[serde(default)]
    pub controllers: Named<C>,
    /// By the path of what they are about.
    #[serde(default)]
    pub assumptions: Named<Assumption>,
}

/// The two nodes that the name of a link joins: `"from -> to"`, with any blanks around the names.
pub fn link_ends(name: &str) -> Option<(&str, &str)> {
    let (from, to) = name.split_once("->")?;
    let (from, to) = (from.trim(), to.trim());
    (!from.is_empty() && !to.is_empty() && !to.contains("->")).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_name_two_nodes() {
        assert_eq!(link_ends("web -> db"), Some(("web", "db")));
        assert_eq!(link_ends("web->my db "), Some(("web", "my db")));
        assert_eq!(link_ends("web - db"), None);
        assert_eq!(link_ends("a -> b -> c"), None);
        assert_eq!(link_ends(" -> b"), None);
    }
}
