//! A checked architecture to running nodes: names become indices.

mod connections;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::controllers::AnyController;
use crate::diagnostic::diagnostic::{Diagnostic, Diagnostics};
use crate::diagnostic::document::Document;
use crate::diagnostic::span::{Span, Spanned};
use crate::distribution::{Distribution, DistributionError, KeyLaw, KeySampler, Sampler};
use crate::engine::context::{KeySpace, Recorded};
use crate::engine::simulation::{Limits, Simulation};
use crate::engine::{Destination, NodeIndex};
use crate::model::architecture::{Architecture, link_ends};
use crate::model::assumptions::without_assumptions;
use crate::model::check::clients::request_name;
use crate::model::describe::{NodeDescription, describe};
use crate::model::fingerprint::fingerprint;
use crate::model::sharding;
use crate::random::{Purpose, Seed};
use crate::techniques::link::{Link, LinkNode};
use crate::techniques::parts::arrivals::Process;
use crate::techniques::parts::pool::Protocol;
use crate::techniques::technique::{
    CacheCommand, CompileError, ControllerSpec, LinkSpec, Operations, ReplicaView, Spec, Wiring,
};
use crate::techniques::{AnyNode, NodeSpec};

/// An architecture made of the techniques of this house.
pub type Model = Architecture<NodeSpec, Link, KeyLaw, AnyController>;

/// A model ready to run, as often as wanted.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub descriptions: Vec<NodeDescription>,
    /// SHA-256 of what it was made of: the model's text, edits included, and the files that the model names.
    pub fingerprint: String,
    nodes: Vec<AnyNode>,
    keys: Arc<[KeySpace]>,
    settling_ns: u64,
    cycle_ns: u64,
    population: u32,
    replicas: u64,
    service_ns: u64,
    cache_entries: u64,
    standing_usd_per_hour: f64,
    can_fail: bool,
}

/// Tables of key spaces made so far. Models that differ in a few edits share them: the largest take 160 MB.
#[derive(Clone, Debug, Default)]
pub struct KeyTables(Vec<(KeyLaw, KeySampler)>);

impl KeyTables {
    fn sampler(&mut self, law: &KeyLaw, directory: &Path) -> Result<KeySampler, DistributionError> {
        if law.file().is_some() {
            return law.compile_from(directory);
        }
        if let Some((_, sampler)) = self.0.iter().find(|(known, _)| known == law) {
            return Ok(sampler.clone());
        }
        let sampler = law.compile()?;
        self.0.push((law.clone(), sampler.clone()));
        Ok(sampler)
    }
}

impl Compiled {
    /// Indices of the nodes that start requests.
    pub fn clients(&self) -> impl Iterator<Item = usize> {
        self.descriptions.iter().enumerate().filter(|(_, node)| !node.requested.is_empty()).map(|(index, _)| index)
    }

    /// The operations that clients request.
    pub fn requested(&self) -> impl Iterator<Item = &str> {
        self.descriptions.iter().flat_map(|node| &node.requested).map(String::as_str)
    }

    /// Names of the requests that results tell apart: the operations that clients request, whoever does; and where several
    /// nodes start requests (groups of users, tenants) those of each node, `gold`, and of each of its operations,
    /// `gold: web.page`.
    pub fn request_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.requested().map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        if self.clients().nth(1).is_some() {
            for node in self.clients().map(|index| &self.descriptions[index]) {
                names.push(node.name.clone());
                names.extend(node.requested.iter().map(|operation| request_name(&node.name, operation)));
            }
        }
        names
    }

    /// Whether an operation that some clients request goes by a name of [`Compiled::request_names`].
    pub fn is_named(&self, clients: usize, operation: &str, name: &str) -> bool {
        let node = &self.descriptions[clients].name;
        name == operation || name == node || name == request_name(node, operation)
    }

    /// How long the model's own time constants (thinking, times to live, bursts) need to show.
    pub fn settling_ns(&self) -> u64 {
        self.settling_ns
    }

    /// The longest time after which something in the model comes round again, or zero.
    pub fn cycle_ns(&self) -> u64 {
        self.cycle_ns
    }

    /// The most requests that closed workloads have in progress.
    pub fn population(&self) -> u32 {
        self.population
    }

    /// How long a request takes at least on average if it visits every node once and never queues.
    pub fn service_ns(&self) -> u64 {
        self.service_ns
    }

    /// Entries that all caches together can hold.
    pub fn cache_entries(&self) -> u64 {
        self.cache_entries
    }

    /// Whether a request may fail anywhere. Databases turn queries away unless they have room for all.
    pub fn can_fail(&self) -> bool {
        self.can_fail
    }

    /// Replicas of all nodes together.
    pub fn replicas(&self) -> u64 {
        self.replicas
    }

    /// What is paid for all replicas that stand there at the start, used or not. Requests and bytes come on top.
    pub fn standing_usd_per_hour(&self) -> f64 {
        self.standing_usd_per_hour
    }

    /// A fresh run.
    pub fn simulation(&self, seed: Seed, limits: Limits) -> Simulation<AnyNode> {
        Simulation::new(self.nodes.clone(), Arc::clone(&self.keys), seed, limits)
    }
}

/// Compiles a model that was read from `document` and found right. Files it names are looked for from `directory`.
pub fn compile(model: &Model, document: &Document, directory: &Path) -> Result<Compiled, Diagnostics> {
    compile_sharing(model, document, directory, &mut KeyTables::default())
}

/// As [`compile`], for one of many models that are much alike.
pub fn compile_sharing(
    model: &Model,
    document: &Document,
    directory: &Path,
    tables: &mut KeyTables,
) -> Result<Compiled, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    let mut report = |span: Span, message: String, help: Option<String>| {
        let diagnostic = Diagnostic::error("cannot-compile", document.place(span), message);
        diagnostics.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    };
    let plan = Plan::of(model, directory);
    let mut keys = Vec::new();
    for (name, law) in &model.keys {
        plan.files.borrow_mut().extend(law.file().map(str::to_owned));
        match tables.sampler(law, directory) {
            Ok(sampler) => keys.push(KeySpace {
                purpose: Purpose::named(&format!("key space {}", **name)),
                recorded: recorded(model, &sampler),
                sampler,
            }),
            Err(error) => report(law.span, error.message, error.help),
        }
    }
    let mut commands = BTreeMap::new();
    let mut nodes: Vec<Option<AnyNode>> = Vec::new();
    nodes.resize_with(plan.first_shard() + plan.shards.values().map(Vec::len).sum::<usize>(), || None);
    // Caches come last, when all others have named the commands that they will give.
    let is_cache = |spec: &NodeSpec| matches!(spec, NodeSpec::Cache(_));
    for caches in [false, true] {
        for (index, (name, spec)) in model.nodes.iter().enumerate().filter(|(_, (_, spec))| is_cache(spec) == caches) {
            let mut wire = Wire { plan: &plan, name, commands: &mut commands, is_part: false };
            let own = [NodeIndex(index as u32)];
            let shards = plan.shards.get(name.as_str());
            wire.is_part = shards.is_some();
            for place in shards.map_or(&own[..], Vec::as_slice) {
                match spec.compile(&mut wire) {
                    Ok(node) => nodes[place.0 as usize] = Some(node),
                    Err(error) => {
                        report(error.span.unwrap_or(name.span), error.message, error.help);
                        break;
                    }
                }
            }
            let Some(shards) = shards else { continue };
            wire.is_part = false;
            let whole = match model.shards.get(name.as_str()) {
                None => spec.compile(&mut wire),
                Some(written) => {
                    let router = sharding::router(model, (name, spec), written, shards, &mut wire);
                    router.map(|router| AnyNode::ShardRouter(Box::new(router)))
                }
            };
            match whole {
                Ok(node) => nodes[index] = Some(node),
                Err(error) => report(error.span.unwrap_or(name.span), error.message, error.help),
            }
        }
    }
    for ((from, target), &index) in &plan.links {
        let Some((_, name, link)) = model.links.get_full(plan.link_names[&index].as_str()) else { continue };
        let mut wire = Wire { plan: &plan, name, commands: &mut commands, is_part: false };
        match LinkNode::compile(link, plan.node(target), (from, target), &mut wire) {
            Ok(node) => nodes[index.0 as usize] = Some(AnyNode::Link(node)),
            Err(error) => report(error.span.unwrap_or(name.span), error.message, error.help),
        }
    }
    for (index, (name, controller)) in model.controllers.iter().enumerate() {
        match controller.compile(&mut Wire { plan: &plan, name, commands: &mut commands, is_part: false }) {
            Ok(node) => nodes[plan.controller(index).0 as usize] = Some(AnyNode::Controller(node)),
            Err(error) => report(error.span.unwrap_or(name.span), error.message, error.help),
        }
    }
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let files = plan.files.take();
    let fingerprint = match fingerprint(&without_assumptions(document.text()), directory, &files) {
        Ok(fingerprint) => fingerprint,
        Err((file, error)) => {
            let message = format!("cannot read {file} again: {error}");
            let diagnostic = Diagnostic::error("cannot-compile", document.place(Span::default()), message);
            return Err(diagnostic.help("leave the files of a model in place while it is read").into());
        }
    };
    let nodes = nodes.into_iter().flatten().collect();
    // What a controller decides is there when replicas have started.
    let startup_s = model.nodes.values().map(|spec| spec.startup_s()).fold(0.0, f64::max);
    let of_controllers = model.controllers.values().map(|controller| controller.settling_s() + startup_s);
    let settling_s = model.nodes.values().map(|spec| spec.settling_s()).chain(of_controllers).fold(0.0, f64::max);
    let of_controllers = model.controllers.values().map(|controller| controller.cycle_s());
    let cycle_s = model.nodes.values().map(|spec| spec.cycle_s()).chain(of_controllers).fold(0.0, f64::max);
    let population = model.nodes.values().map(|spec| spec.population()).fold(0, u32::saturating_add);
    Ok(Compiled {
        descriptions: describe(model, plan.link_names.values(), &plan.shards),
        fingerprint,
        nodes,
        keys: keys.into(),
        settling_ns: (settling_s * 1e9) as u64,
        cycle_ns: (cycle_s * 1e9) as u64,
        population,
        service_ns: (service_s(model) * 1e9) as u64,
        cache_entries: sharding::cache_entries(model),
        can_fail: can_fail(model),
        replicas: sharding::of_all(model, |spec| f64::from(spec.servers())) as u64,
        standing_usd_per_hour: sharding::of_all(model, standing_usd_per_hour),
    })
}

/// The keys of a recording, and whose requests go through them: those of open workloads.
fn recorded(model: &Model, sampler: &KeySampler) -> Option<Arc<Recorded>> {
    let keys = Arc::clone(sampler.recorded()?);
    let is_open = |spec: &NodeSpec| matches!(spec, NodeSpec::Clients(clients) if clients.users.is_none());
    let open = model.nodes.iter().filter(|(_, spec)| is_open(spec));
    let requests = open.map(|(name, _)| Purpose::named(&format!("{}/requests", **name))).collect();
    Some(Arc::new(Recorded { keys, requests }))
}

fn standing_usd_per_hour(spec: &NodeSpec) -> f64 {
    f64::from(spec.servers()) * spec.prices().usd_per_replica_hour
}

fn can_fail(model: &Model) -> bool {
    // Controllers end replicas, and whatever these still have to do.
    !model.controllers.is_empty()
        || model.nodes.values().any(|spec| spec.can_fail())
        || model.links.values().any(|link| link.gives_up())
}

fn service_s(model: &Model) -> f64 {
    let of_node = |spec: &NodeSpec| match spec.operations() {
        Operations::Named(names) => {
            let demands = names.into_iter().map(|name| spec.demand(name));
            demands.map(|demand| demand.held_s).fold(0.0, f64::max)
        }
        Operations::None | Operations::SameAs(_) => 0.0,
    };
    let nodes: f64 = model.nodes.values().map(|spec| of_node(spec)).sum();
    let links: f64 = model.links.values().map(|link| link.delay_s()).sum();
    nodes + links
}

/// Who has which index.
struct Plan<'a> {
    model: &'a Model,
    directory: PathBuf,
    /// Links by the names of their ends, and the names of links by their index.
    links: BTreeMap<(&'a str, &'a str), NodeIndex>,
    link_names: BTreeMap<NodeIndex, String>,
    /// What each node is made of that only stands for others.
    shards: BTreeMap<&'a str, Vec<NodeIndex>>,
    /// The nodes that others keep connections to.
    kept_connected: BTreeSet<String>,
    /// The files that were named so far, as written.
    files: RefCell<BTreeSet<String>>,
}

impl<'a> Plan<'a> {
    fn of(model: &'a Model, directory: &Path) -> Self {
        let mut links = BTreeMap::new();
        let mut link_names = BTreeMap::new();
        for name in model.links.keys() {
            if let Some(ends) = link_ends(&name.value) {
                let index = NodeIndex((model.nodes.len() + links.len()) as u32);
                links.insert(ends, index);
                link_names.insert(index, name.value.clone());
            }
        }
        let kept_connected = connections::kept_connected(model);
        let shards = sharding::indices(model, model.nodes.len() + links.len() + model.controllers.len());
        let files = RefCell::default();
        Self { model, directory: directory.to_owned(), links, link_names, shards, kept_connected, files }
    }

    /// Where shards begin, behind all else.
    fn first_shard(&self) -> usize {
        self.model.nodes.len() + self.links.len() + self.model.controllers.len()
    }

    /// The index of a controller.
    fn controller(&self, position: usize) -> NodeIndex {
        NodeIndex((self.model.nodes.len() + self.links.len() + position) as u32)
    }

    /// The controllers that have this node for a target, with their indices.
    fn controllers_of(&self, node: &str) -> impl Iterator<Item = (NodeIndex, &AnyController)> {
        let controls =
            move |controller: &AnyController| controller.targets().iter().any(|target| target.as_str() == node);
        let all = self.model.controllers.values().enumerate();
        all.filter(move |(_, one)| controls(one)).map(|(position, one)| (self.controller(position), &one.value))
    }

    fn node(&self, name: &str) -> NodeIndex {
        NodeIndex(self.model.nodes.get_index_of(name).unwrap_or(0) as u32)
    }

    /// The names of a node's operations; a balancer has those of what it balances.
    fn operations(&self, node: &str) -> Vec<String> {
        let mut name = node;
        for _ in 0..=self.model.nodes.len() {
            match self.model.nodes.get(name).map(|spec| spec.operations()) {
                Some(Operations::Named(names)) => return names.into_iter().map(str::to_owned).collect(),
                Some(Operations::SameAs(target)) => name = &target.value,
                Some(Operations::None) | None => break,
            }
        }
        Vec::new()
    }
}

/// What one node sees of the plan.
struct Wire<'a> {
    plan: &'a Plan<'a>,
    name: &'a str,
    /// Whether this is one of several nodes that another stands for.
    is_part: bool,
    /// Commands to caches, by the cache's index.
    commands: &'a mut BTreeMap<NodeIndex, Vec<CacheCommand>>,
}

impl Wire<'_> {
    /// The way to a node: the link to it, or the node itself.
    fn way(&self, target: &str) -> NodeIndex {
        self.plan.links.get(&(self.name, target)).copied().unwrap_or_else(|| self.plan.node(target))
    }
}

impl Wiring for Wire<'_> {
    fn purpose(&self, what: &str) -> Purpose {
        Purpose::named(&format!("{}/{what}", self.name))
    }

    fn destination(&mut self, reference: &Spanned<String>) -> Result<Destination, CompileError> {
        // A node's name may contain dots itself, so every way to cut the reference is tried.
        for (cut, _) in reference.match_indices('.') {
            let (node, operation) = (&reference[..cut], &reference[cut + 1..]);
            if let Some(index) = self.plan.operations(node).iter().position(|name| name == operation) {
                return Ok(Destination { node: self.way(node), operation: index as u16 });
            }
        }
        Err(CompileError::at(reference.span, format!("there is no operation {:?}", reference.value)))
    }

    fn key_space(&self, name: &str) -> u16 {
        self.plan.model.keys.get_index_of(name).unwrap_or(0) as u16
    }

    fn key_count(&self, name: &str) -> u64 {
        self.plan.model.keys.get(name).map_or(1, |law| law.count())
    }

    fn cache(&mut self, cache: &Spanned<String>, command: CacheCommand) -> Result<Destination, CompileError> {
        let commands = self.commands.entry(self.plan.node(cache)).or_default();
        let operation = commands.iter().position(|known| *known == command).unwrap_or_else(|| {
            commands.push(command);
            commands.len() - 1
        });
        // A cache's own operations come first.
        let operation = self.plan.operations(cache).len() + operation;
        Ok(Destination { node: self.way(cache), operation: operation as u16 })
    }

    fn name(&self) -> &str {
        self.name
    }

    fn local_to(&self, cache: &str) -> Option<String> {
        match self.plan.model.nodes.get(cache).map(|spec| &spec.value) {
            Some(NodeSpec::Cache(cache)) => cache.local_to.as_ref().map(|service| service.value.clone()),
            _ => None,
        }
    }

    fn commands(&self) -> Vec<CacheCommand> {
        self.commands.get(&self.plan.node(self.name)).cloned().unwrap_or_default()
    }

    fn operations(&self, node: &str) -> Vec<String> {
        self.plan.operations(node)
    }

    fn replicas(&self, node: &str) -> ReplicaView {
        // Who balances over a node that is sharded sees its router alone.
        let whole = self.plan.model.nodes.get(node).filter(|_| !self.plan.shards.contains_key(node));
        whole.map_or(ReplicaView { count: 1, zones: 1 }, |spec| spec.replicas())
    }

    fn node(&self, name: &str) -> NodeIndex {
        self.plan.node(name)
    }

    fn is_scaled(&self) -> bool {
        self.plan.is_scaled(self.name)
    }

    fn parts(&self) -> Vec<NodeIndex> {
        let parts = self.plan.shards.get(self.name).filter(|_| !self.is_part);
        parts.cloned().unwrap_or_default()
    }

    fn is_resized_in_place(&self) -> bool {
        let resizes = |controller: &AnyController| {
            controller.resizes_in_place().is_some() && controller.targets().iter().any(|target| ***target == *self.name)
        };
        self.plan.model.controllers.values().any(|controller| resizes(controller))
    }

    fn container(&self, service: &str, container: &str) -> Option<usize> {
        let sidecars = self.plan.model.nodes.get(service)?.sidecars();
        let names = std::iter::once(service).chain(sidecars);
        names.into_iter().position(|name| name == container)
    }

    fn connections(&self, node: &Spanned<String>) -> Result<(Protocol, NodeIndex), CompileError> {
        match self.plan.protocol(node) {
            Some(protocol) => Ok((protocol, self.way(node))),
            None => Err(CompileError::at(node.span, format!("`{}` accepts no connections", node.value))),
        }
    }

    fn has_life(&self, node: &str) -> bool {
        self.plan.is_scaled(node) || self.plan.model.nodes.get(node).is_some_and(|spec| spec.has_life())
    }

    fn sessions(&self, node: &str) -> Option<Protocol> {
        self.plan.protocol(node).filter(|_| self.plan.is_kept_connected(node))
    }

    fn sessions_here(&self) -> Option<Protocol> {
        self.sessions(self.name)
    }

    fn pools(&self) -> Vec<NodeIndex> {
        let mine = self.plan.links.iter().filter(|((from, _), _)| *from == self.name);
        mine.filter(|(_, index)| self.plan.has_pool(**index)).map(|(_, index)| *index).collect()
    }

    fn watchers(&self) -> Vec<NodeIndex> {
        if self.plan.shards.contains_key(self.name) {
            return Vec::new();
        }
        let nodes = self.plan.model.nodes.iter().enumerate();
        let watching = nodes.filter(|(_, (_, spec))| spec.watches() == Some(self.name));
        let nodes = watching.map(|(index, _)| NodeIndex(index as u32));
        let links = self.plan.links.iter().filter(|((_, to), _)| *to == self.name).map(|(_, index)| *index);
        nodes.chain(links).collect()
    }

    fn scheduler(&self) -> Option<NodeIndex> {
        self.plan.controllers_of(self.name).find(|(_, one)| one.is_scheduler()).map(|(index, _)| index)
    }

    fn arrivals(&mut self, clients: &str) -> Result<Option<(Process, u32)>, CompileError> {
        match self.plan.model.nodes.get(clients).map(|spec| &spec.value) {
            Some(NodeSpec::Clients(clients)) => clients.process(self),
            _ => Ok(None),
        }
    }

    fn population(&self) -> u32 {
        self.plan.model.nodes.values().map(|spec| spec.population()).fold(0, u32::max)
    }

    fn sampler(&self, law: &Spanned<Distribution>) -> Result<Sampler, CompileError> {
        self.plan.files.borrow_mut().extend(law.files().map(str::to_owned));
        law.compile(&self.plan.directory)
            .map_err(|error| CompileError { help: error.help, ..CompileError::at(law.span, error.message) })
    }

    fn path(&self, written: &str) -> PathBuf {
        self.plan.files.borrow_mut().insert(written.to_owned());
        self.plan.directory.join(written)
    }
}
