//! Who calls whom: operations and how often each calls others, and nodes and whom they know.

use std::collections::{BTreeSet, HashMap};

use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::architecture::link_ends;
use crate::model::check::Subject;
use crate::model::check::directory::Directory;
use crate::techniques::technique::{ControllerSpec, DemandedCall, LinkSpec, Reference, Role, Spec};

/// One operation of one node.
#[derive(Clone, Debug)]
pub struct Vertex {
    /// The node's index in the order of the text.
    pub node: usize,
    /// Empty where the node is called by its name alone, as a cache.
    pub operation: String,
    /// Mean seconds of computing, and of holding a worker besides, of one visit.
    pub core_s: f64,
    pub held_s: f64,
    /// Whether the caller waits until the end.
    pub is_awaited: bool,
}

/// How one operation calls another.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Mean calls per visit, if no call fails.
    pub times: f64,
    /// Of these, those that no earlier call can keep from being made.
    pub certain_times: f64,
    /// Whether the caller waits for each in turn.
    pub is_awaited: bool,
    /// The link on the way, as its position in the architecture.
    pub link: Option<usize>,
    /// Whether simulated time is sure to pass between the visit's start and the call's.
    pub delayed: bool,
}

/// The graphs that rules walk over.
pub struct Graph<'a> {
    pub directory: Directory<'a>,
    pub operations: DiGraph<Vertex, Call>,
    /// Nodes that refer to nodes, by index.
    pub neighbors: BTreeSet<(usize, usize)>,
    /// Requests per second that open workloads are sure to start, and the link that they take first.
    pub offered: Vec<(NodeIndex, f64, Option<usize>)>,
    /// The part each node plays.
    pub roles: Vec<Role>,
    /// Links by the indices of their ends, as positions in the architecture.
    pub links: HashMap<(usize, usize), usize>,
    vertices: HashMap<(usize, String), NodeIndex>,
}

impl<'a> Graph<'a> {
    /// Builds the graphs. Names that mean nothing are left out: other rules report them.
    pub fn of<N: Spec, L: LinkSpec, K, C: ControllerSpec>(subject: &Subject<'a, N, L, K, C>) -> Self {
        let mut graph = Self {
            directory: Directory::of(subject),
            operations: DiGraph::new(),
            neighbors: BTreeSet::new(),
            offered: Vec::new(),
            roles: subject.architecture.nodes.values().map(|node| node.role()).collect(),
            links: HashMap::new(),
            vertices: HashMap::new(),
        };
        graph.add_links(subject);
        graph.add_neighbors(subject);
        graph.add_operations(subject);
        graph.add_calls(subject);
        graph
    }

    /// The vertex of `"node.operation"`.
    fn vertex(&self, reference: &str) -> Option<NodeIndex> {
        let find = |node: &str, operation: &str| {
            self.vertices.get(&(self.directory.index(node)?, operation.to_owned())).copied()
        };
        let split = self.directory.split(reference).and_then(|(node, operation)| find(node, operation));
        split.or_else(|| find(reference, ""))
    }

    /// Vertices of one node.
    pub fn vertices_of(&self) -> Vec<Vec<NodeIndex>> {
        let mut vertices = vec![Vec::new(); self.roles.len()];
        for index in self.operations.node_indices() {
            vertices[self.operations[index].node].push(index);
        }
        vertices
    }

    /// `node.operation`
    pub fn name(&self, vertex: NodeIndex) -> String {
        let vertex = &self.operations[vertex];
        let node = self.directory.iter().nth(vertex.node).map_or("", |offer| offer.name);
        if vertex.operation.is_empty() { node.to_owned() } else { format!("{node}.{}", vertex.operation) }
    }

    fn add_links<N: Spec, L: LinkSpec, K, C: ControllerSpec>(&mut self, subject: &Subject<'a, N, L, K, C>) {
        for (position, name) in subject.architecture.links.keys().enumerate() {
            let ends =
                link_ends(name).and_then(|(from, to)| Some((self.directory.index(from)?, self.directory.index(to)?)));
            if let Some(ends) = ends {
                self.links.insert(ends, position);
            }
        }
    }

    fn add_neighbors<N: Spec, L: LinkSpec, K, C: ControllerSpec>(&mut self, subject: &Subject<'a, N, L, K, C>) {
        for (from, node) in subject.architecture.nodes.values().enumerate() {
            for reference in node.references() {
                let name = match reference {
                    Reference::Operation(name) | Reference::Message(name) => {
                        self.directory.split(name).map(|(node, _)| node)
                    }
                    Reference::Node { name, .. } | Reference::Target(name) | Reference::Connection(name) => {
                        Some(name.as_str())
                    }
                    Reference::Any(_) | Reference::Key(_) => None,
                };
                let to = name.and_then(|name| self.directory.index(name));
                self.neighbors.extend(to.map(|to| (from, to)));
            }
        }
    }

    fn add_operations<N: Spec, L: LinkSpec, K, C: ControllerSpec>(&mut self, subject: &Subject<'a, N, L, K, C>) {
        for (index, node) in subject.architecture.nodes.values().enumerate() {
            let Some(offer) = self.directory.iter().nth(index) else {
                continue;
            };
            let Some(provider) = self.directory.provider(offer.name) else {
                continue;
            };
            let offer_name = offer.name;
            let mut operations = provider.operations.clone();
            if operations.is_empty() && self.roles[index] == Role::Server {
                operations.push("");
            }
            for operation in operations {
                let demand = node.demand(operation);
                let times = visited_shards(subject, offer_name, operation);
                let operation = operation.to_owned();
                let vertex = self.operations.add_node(Vertex {
                    node: index,
                    operation: operation.clone(),
                    core_s: demand.core_s * times,
                    held_s: demand.held_s,
                    is_awaited: !demand.replies_early && !node.decouples(),
                });
                self.vertices.insert((index, operation), vertex);
            }
        }
    }

    fn add_calls<N: Spec, L: LinkSpec, K, C: ControllerSpec>(&mut self, subject: &Subject<'a, N, L, K, C>) {
        for (index, node) in subject.architecture.nodes.values().enumerate() {
            for (name, rate) in node.offered() {
                if let Some(vertex) = self.vertex(&name) {
                    let link = self.links.get(&(index, self.operations[vertex].node)).copied();
                    self.offered.push((vertex, rate, link));
                }
            }
            let passes_to = self.directory.iter().nth(index).and_then(|offer| offer.passes_to);
            let name = self.directory.iter().nth(index).map(|offer| offer.name);
            let own: Vec<_> =
                self.operations.node_indices().filter(|vertex| self.operations[*vertex].node == index).collect();
            for vertex in own {
                let operation = self.operations[vertex].operation.clone();
                let mut demand = node.demand(&operation);
                if let (true, Some(target)) = (demand.calls.is_empty(), passes_to) {
                    demand.call(&format!("{target}.{operation}"), 1.0);
                }
                let times = name.map_or(1.0, |name| visited_shards(subject, name, &operation));
                for call in &demand.calls {
                    let (all, certain) = (call.times * times, call.certain_times * times);
                    self.add_call(
                        subject,
                        vertex,
                        &DemandedCall { times: all, certain_times: certain, ..call.clone() },
                    );
                }
            }
        }
    }

    fn add_call<N: Spec, L: LinkSpec, K, C: ControllerSpec>(
        &mut self,
        subject: &Subject<'a, N, L, K, C>,
        from: NodeIndex,
        call: &DemandedCall,
    ) {
        let Some(to) = self.vertex(&call.to).filter(|_| call.times > 0.0) else {
            return;
        };
        let link = self.links.get(&(self.operations[from].node, self.operations[to].node)).copied();
        let written = link.and_then(|position| subject.architecture.links.get_index(position));
        let link_s = written.map_or(0.0, |(_, link)| link.delay_s());
        let delayed = self.operations[from].held_s + link_s > 0.0;
        let DemandedCall { times, certain_times, is_awaited, .. } = *call;
        let call = Call { times, certain_times, is_awaited, link, delayed };
        self.operations.add_edge(from, to, call);
    }
}

/// How many shards of a node carry out one request for this operation.
fn visited_shards<N, L, K, C>(subject: &Subject<'_, N, L, K, C>, node: &str, operation: &str) -> f64 {
    let shards = subject.architecture.shards.get(node).filter(|shards| shards.is_scattered(operation));
    shards.map_or(1.0, |shards| f64::from(shards.total()))
}
