//! Which tensor is which, for a [`Recorder`](super::Recorder).

use crate::autograd::NodeId;
use crate::shape::Layout;
use crate::storage::Storage;
use crate::tensor::Tensor;
use std::collections::HashMap;

/// Tensors by the order in which they were met.
#[derive(Default)]
pub(super) struct Numbers {
    count: usize,
    nodes: HashMap<NodeId, usize>,
    buffers: HashMap<(usize, Layout), usize>,
    /// Kept alive, so that no address is used twice.
    kept: Vec<Storage>,
}

impl Numbers {
    /// How many were met.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The number of a tensor that was met before, or a new one.
    pub(super) fn met(&mut self, tensor: &Tensor) -> usize {
        let known = match tensor.id() {
            Some(id) => self.nodes.get(&id),
            // A handle that is not tracked, such as a gradient's, is known by its buffer alone.
            None => self.buffers.get(&view(tensor)),
        };
        known.copied().unwrap_or_else(|| self.made(tensor, tensor.id()))
    }

    /// A new number, for what an operation made. `node` is its place in the graph, which it does not have yet.
    pub(super) fn made(&mut self, tensor: &Tensor, node: Option<NodeId>) -> usize {
        let number = self.next();
        if let Some(id) = node {
            self.nodes.insert(id, number);
        }
        self.buffers.insert(view(tensor), number);
        self.kept.push(tensor.buffer().0);
        number
    }

    /// The number of a place in the graph.
    pub(super) fn of_node(&mut self, id: NodeId) -> usize {
        match self.nodes.get(&id) {
            Some(&number) => number,
            None => {
                let number = self.next();
                self.nodes.insert(id, number);
                number
            }
        }
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

fn view(tensor: &Tensor) -> (usize, Layout) {
    let (storage, layout) = tensor.buffer();
    (storage.address(), layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_without_elements_are_told_apart_like_others() {
        for shape in [[0, 3], [1, 3]] {
            let (a, b) = (Tensor::zeros(shape), Tensor::zeros(shape));
            let mut numbers = Numbers::default();
            assert_eq!(
                [&a, &b, &a.clone(), &b].map(|x| numbers.met(x)),
                [1, 2, 1, 2],
                "{shape:?}"
            );
            assert!(a.shares_buffer_with(&a.clone()) && !a.shares_buffer_with(&b));
        }
    }
}
