//! The one walk over a module's parameters and buffers. Saving, loading, counting, naming and conversion are visitors of it.

use crate::cell::{Buffer, Param};
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use tensor_core::DType;
use tensor_core::autograd::NodeId;

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
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, v: &mut Visitor<'_>) {
        (**self).visit(v);
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

/// The position of a walk in the tree of modules, and what to do at each entry. A cell that is reached twice is shown once.
pub struct Visitor<'a> {
    path: String,
    seen: HashSet<CellId>,
    on_entry: &'a mut dyn FnMut(&str, Entry),
    /// Whether places are told their names; see [`Place`].
    naming: bool,
}

#[derive(PartialEq, Eq, Hash)]
enum CellId {
    Param(NodeId),
    Buffer(usize),
}

impl Visitor<'_> {
    /// Shows a parameter.
    pub fn param(&mut self, name: &str, param: &Param) {
        if self.seen.insert(CellId::Param(param.id())) {
            (self.on_entry)(&join(&self.path, name), Entry::Param(param.clone()));
        }
    }

    /// Shows a buffer.
    pub fn buffer(&mut self, name: &str, buffer: &Buffer) {
        if self.seen.insert(CellId::Buffer(buffer.address())) {
            (self.on_entry)(&join(&self.path, name), Entry::Buffer(buffer.clone()));
        }
    }

    /// Walks into a part, whose names get the prefix `name.`.
    pub fn module(&mut self, name: &str, module: &(impl Module + ?Sized)) {
        let length = self.path.len();
        self.path = join(&self.path, name);
        module.visit(self);
        self.path.truncate(length);
    }

    /// Tells a part the name under which it is reached.
    pub fn place(&mut self, place: &Place) {
        if self.naming {
            place.set(&self.path);
        }
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
/// [`name`] makes sets it.
#[derive(Clone, Debug, Default)]
pub struct Place(Arc<RwLock<Arc<str>>>);

impl Place {
    fn set(&self, path: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = path.into();
    }

    /// The name of a part of this part.
    pub(crate) fn child(&self, name: impl std::fmt::Display) -> Arc<str> {
        let path = self.0.read().unwrap_or_else(PoisonError::into_inner);
        join(&path, &name.to_string()).into()
    }
}

fn walk(module: &(impl Module + ?Sized), naming: bool, on_entry: &mut dyn FnMut(&str, Entry)) {
    let mut visitor = Visitor {
        path: String::new(),
        seen: HashSet::new(),
        on_entry,
        naming,
    };
    module.visit(&mut visitor);
}

/// All parameters and buffers with their names, in the order of the walk.
pub fn entries(module: &(impl Module + ?Sized)) -> Vec<(String, Entry)> {
    let mut entries = Vec::new();
    walk(module, false, &mut |name, entry| entries.push((name.to_owned(), entry)));
    entries
}

/// All parameters, in the order of the walk.
pub fn params(module: &(impl Module + ?Sized)) -> Vec<Param> {
    let param = |(_, entry)| match entry {
        Entry::Param(param) => Some(param),
        Entry::Buffer(_) => None,
    };
    entries(module).into_iter().filter_map(param).collect()
}

/// How many numbers the parameters hold.
pub fn count_params(module: &(impl Module + ?Sized)) -> usize {
    params(module).iter().map(|param| param.shape().count()).sum()
}

/// Tells each parameter and each part its name, so that messages can say it. A model does this once, when it is built.
pub fn name(module: &(impl Module + ?Sized)) {
    walk(module, true, &mut |name, entry| {
        if let Entry::Param(param) = entry {
            param.set_name(name);
        }
    });
}

/// Converts all parameters and floating-point buffers: F64 for gradient checks, F32 for work.
///
/// Optimisers that were made before hold moments of the old type: make them afterwards.
pub fn to_dtype(module: &(impl Module + ?Sized), dtype: DType) {
    for (_, entry) in entries(module) {
        match entry {
            Entry::Param(param) => param.set(&param.tensor().detach().to_dtype(dtype)),
            Entry::Buffer(buffer) if buffer.tensor().dtype().is_float() => buffer.set(&buffer.tensor().to_dtype(dtype)),
            Entry::Buffer(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::Tensor;

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
