//! The one walk over a module's parameters and buffers. Saving, loading, counting, naming and conversion are visitors of it.

use crate::cell::{Buffer, Param};
use std::any::type_name;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use tensor_core::autograd::NodeId;
use tensor_core::autograd::scope::{self, ScopeGuard};
use tensor_core::{DType, Tensor};

/// Something made of parameters and buffers: a layer, a container, a model.
pub trait Module {
    /// Shows each field that has parameters or buffers to the visitor, under PyTorch's names.
    ///
    /// ```
    /// use nn::{Linear, Module, Visitor};
    /// struct Net { encoder: Linear, head: Linear }
    /// impl Module for Net {
    ///     fn visit(&self, v: &mut Visitor<'_>) {
    ///         v.module("encoder", &self.encoder);
    ///         v.module("head", &self.head);
    ///     }
    /// }
    /// ```
    fn visit(&self, v: &mut Visitor<'_>);

    /// What a [`Summary`](crate::Summary) calls the module: the name of its type, such as `Linear`.
    fn kind(&self) -> &'static str {
        let path = type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path)
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        (**self).visit(v);
    }

    fn kind(&self) -> &'static str {
        (**self).kind()
    }
}

/// What the walk finds.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A parameter.
    Param(Param),
    /// A buffer.
    Buffer(Buffer),
}

impl Entry {
    /// The value, cut off from the graph.
    pub fn tensor(&self) -> Tensor {
        match self {
            Entry::Param(param) => param.tensor().detach(),
            Entry::Buffer(buffer) => buffer.tensor(),
        }
    }

    /// Replaces the value.
    ///
    /// # Panics
    /// If the shape differs.
    #[track_caller]
    pub fn set(&self, value: &Tensor) {
        match self {
            Entry::Param(param) => param.set(value),
            Entry::Buffer(buffer) => buffer.set(value),
        }
    }
}

/// What a walk does with what it meets, under its full name.
pub(crate) trait Walk {
    /// A parameter or buffer.
    fn entry(&mut self, name: &str, entry: Entry);

    /// A part of this kind is entered; first of all the whole, whose name is empty.
    fn part(&mut self, _name: &str, _kind: &'static str) {}

    /// The place of a part that wants to know its name.
    fn place(&mut self, _name: &str, _place: &Place) {}
}

/// The position of a walk in the tree of modules. A cell that is reached twice is shown once.
pub struct Visitor<'a> {
    path: String,
    seen: HashSet<CellId>,
    walk: &'a mut dyn Walk,
}

#[derive(PartialEq, Eq, Hash)]
enum CellId {
    Param(NodeId),
    Buffer(usize),
}

impl Visitor<'_> {
    /// Shows a parameter: a `&Param`, or an `&Option<Param>`, of which there is nothing to show if it is `None`.
    ///
    /// ```
    /// use nn::{Module, Param, Visitor, module};
    /// struct Line { slope: Param, offset: Option<Param> }
    /// impl Module for Line {
    ///     fn visit(&self, v: &mut Visitor<'_>) {
    ///         v.param("slope", &self.slope);
    ///         v.param("offset", &self.offset);
    ///     }
    /// }
    /// let number = || Param::new(tensor_core::Tensor::from([1.0]));
    /// assert_eq!(module::count_params(&Line { slope: number(), offset: None }), 1);
    /// assert_eq!(module::count_params(&Line { slope: number(), offset: Some(number()) }), 2);
    /// ```
    pub fn param<'p>(&mut self, name: &str, param: impl Into<Option<&'p Param>>) {
        if let Some(param) = param.into().filter(|param| self.seen.insert(CellId::Param(param.id()))) {
            self.walk.entry(&join(&self.path, name), Entry::Param(param.clone()));
        }
    }

    /// Shows a buffer: a `&Buffer`, or an `&Option<Buffer>`.
    pub fn buffer<'b>(&mut self, name: &str, buffer: impl Into<Option<&'b Buffer>>) {
        if let Some(buffer) = buffer
            .into()
            .filter(|buffer| self.seen.insert(CellId::Buffer(buffer.address())))
        {
            self.walk.entry(&join(&self.path, name), Entry::Buffer(buffer.clone()));
        }
    }

    /// Walks into a part, whose names get the prefix `name.`.
    pub fn module(&mut self, name: &str, module: &(impl Module + ?Sized)) {
        let length = self.path.len();
        self.path = join(&self.path, name);
        self.walk.part(&self.path, module.kind());
        module.visit(self);
        self.path.truncate(length);
    }

    /// Tells a part the name under which it is reached.
    pub fn place(&mut self, place: &Place) {
        self.walk.place(&self.path, place);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The name under which a part of a model is reached, such as `encoder.0`, for messages and observers. The walk that
/// [`name`] makes sets it. A layer that holds one, shows it and enters it has a [scope] wherever it stands in a model; those of this crate that have parameters
/// do.
///
/// ```
/// use nn::{Linear, Module, Visitor, module};
/// use tensor_core::autograd::scope;
/// struct Head { linear: Linear, place: module::Place }
/// impl Module for Head {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.place(&self.place);
///         v.module("linear", &self.linear);
///     }
/// }
/// struct Net { head: Head }
/// impl Module for Net {
///     fn visit(&self, v: &mut Visitor<'_>) {
///         v.module("head", &self.head);
///     }
/// }
/// let linear = Linear::new(3, 2, &mut tensor_core::Random::new(0));
/// let net = Net { head: Head { linear, place: module::Place::default() } };
/// module::name(&net);
/// let _scope = net.head.place.enter(); // the first line of Head's forward pass
/// assert_eq!(scope::current().as_deref(), Some("head"));
/// ```
#[derive(Clone, Default)]
pub struct Place(Arc<RwLock<Option<Arc<str>>>>);

impl Place {
    /// Opens the scope of this part, until the guard is dropped. The whole has none, and neither has what was never named.
    pub fn enter(&self) -> Option<ScopeGuard> {
        self.get().filter(|path| !path.is_empty()).map(scope::enter)
    }

    /// Opens the scope of a part of this part. As long as this one was never named, it counts from the scope that is open.
    pub(crate) fn enter_part(&self, name: impl fmt::Display) -> ScopeGuard {
        let path = self.get().or_else(scope::current).unwrap_or_default();
        scope::enter(join(&path, &name.to_string()).into())
    }

    pub(crate) fn get(&self) -> Option<Arc<str>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, path: Option<Arc<str>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = path;
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Some(path) => write!(f, "Place({path})"),
            None => f.write_str("Place(unnamed)"),
        }
    }
}

/// Takes a walk over a module.
pub(crate) fn walk(module: &(impl Module + ?Sized), walk: &mut dyn Walk) {
    walk.part("", module.kind());
    module.visit(&mut Visitor {
        path: String::new(),
        seen: HashSet::new(),
        walk,
    });
}

struct Entries(Vec<(String, Entry)>);

impl Walk for Entries {
    fn entry(&mut self, name: &str, entry: Entry) {
        self.0.push((name.to_owned(), entry));
    }
}

/// All parameters and buffers with their names, in the order of the walk.
///
/// ```
/// let names: Vec<String> = nn::module::entries(&nn::BatchNorm1d::new(3)).into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]);
/// ```
pub fn entries(module: &(impl Module + ?Sized)) -> Vec<(String, Entry)> {
    let mut entries = Entries(Vec::new());
    walk(module, &mut entries);
    entries.0
}

/// All parameters, in the order of the walk: what an optimiser holds and gradients are asked for.
///
/// ```
/// use nn::{BatchNorm1d, Context, Layer, module};
/// use tensor_core::{Random, Tensor};
/// let norm = BatchNorm1d::new(1);
/// let params = module::params(&norm); // weight and bias, without the buffers
/// let y = norm.forward(&Tensor::from([[0.0], [2000.0]]), &mut Context::training(&Random::new(0)));
/// let (_, gradients) = y.sqr().sum(..).value_and_grad(&params);
/// assert_eq!(gradients.get(&params[0]).unwrap().item(), 4.0); // Σ 2 w x̂² with x̂ = -1 and 1
/// ```
pub fn params(module: &(impl Module + ?Sized)) -> Vec<Param> {
    let param = |(_, entry)| match entry {
        Entry::Param(param) => Some(param),
        Entry::Buffer(_) => None,
    };
    entries(module).into_iter().filter_map(param).collect()
}

/// How many numbers the parameters hold.
///
/// ```
/// let linear = nn::Linear::new(784, 400, &mut tensor_core::Random::new(0));
/// assert_eq!(nn::module::count_params(&linear), 784 * 400 + 400);
/// ```
pub fn count_params(module: &(impl Module + ?Sized)) -> usize {
    params(module).iter().map(|param| param.shape().count()).sum()
}

struct Naming;

impl Walk for Naming {
    fn entry(&mut self, name: &str, entry: Entry) {
        if let Entry::Param(param) = entry {
            param.set_name(name);
        }
    }

    fn place(&mut self, name: &str, place: &Place) {
        place.set(Some(name.into()));
    }
}

/// Tells each parameter and each part its name, so that messages can say it. A model does this once, when it is built.
///
/// ```
/// use nn::{Linear, Sequential, module};
/// let net = Sequential::new().with(Linear::new(3, 2, &mut tensor_core::Random::new(0)));
/// module::name(&net);
/// assert_eq!(module::params(&net)[0].name(), "0.weight");
/// ```
pub fn name(module: &(impl Module + ?Sized)) {
    walk(module, &mut Naming);
}

/// Converts all parameters and floating-point buffers: F64 for gradient checks, F32 for work.
///
/// Optimisers that were made before hold moments of the old type: make them afterwards.
///
/// ```
/// use nn::{Linear, module};
/// use tensor_core::DType;
/// let linear = Linear::new(3, 2, &mut tensor_core::Random::new(0));
/// let before = linear.weight.tensor().to_vec::<f32>();
/// module::to_dtype(&linear, DType::F64);
/// assert_eq!(linear.weight.tensor().to_vec::<f64>()[0], f64::from(before[0]));
/// ```
pub fn to_dtype(module: &(impl Module + ?Sized), dtype: DType) {
    for (_, entry) in entries(module) {
        let value = entry.tensor();
        if value.dtype().is_float() {
            entry.set(&value.to_dtype(dtype));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shared {
        weight: Param,
        statistics: Buffer,
    }

    impl Module for Shared {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.param("weight", &self.weight);
            v.param("tied", &self.weight);
            v.buffer("statistics", &self.statistics);
        }
    }

    struct Outer(Shared);

    impl Module for Outer {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.module("inner", &self.0);
        }
    }

    #[test]
    fn names_are_paths_and_a_cell_is_shown_once() {
        let outer = Outer(Shared {
            weight: Param::new(Tensor::zeros([2, 3])),
            statistics: Buffer::new(Tensor::zeros([3])),
        });
        let names: Vec<String> = entries(&outer).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["inner.weight", "inner.statistics"]);
        assert_eq!(count_params(&outer), 6);
        name(&outer);
        assert_eq!(outer.0.weight.name(), "inner.weight");
        to_dtype(&outer, DType::F64);
        assert_eq!(
            (outer.0.weight.dtype(), outer.0.statistics.tensor().dtype()),
            (DType::F64, DType::F64)
        );
    }
}
