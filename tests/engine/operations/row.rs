//! A row of the table: an operation as a user calls it, the same by a plain loop, and the shapes on which they are compared.

use super::array::Array;
use tensor_core::{DType, Random, Tensor};

type Run = Box<dyn Fn(&[Tensor]) -> Tensor + Sync>;
type Naive = Box<dyn Fn(&[Array]) -> Array + Sync>;

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) naive: Naive,
    /// Sets of shapes, one shape for each input.
    shapes: Vec<Vec<Vec<usize>>>,
    at_scale: Vec<Vec<usize>>,
    adapt: fn(Tensor) -> Tensor,
    pub(crate) has_gradient: bool,
    pub(crate) is_view: bool,
}

impl Row {
    /// Integer inputs, such as indices, belong into the two closures; the inputs of a row are floating-point numbers drawn from N(0, 1).
    pub(crate) fn new(
        name: &'static str,
        run: impl Fn(&[Tensor]) -> Tensor + Sync + 'static,
        naive: impl Fn(&[Array]) -> Array + Sync + 'static,
    ) -> Row {
        Row {
            name,
            run: Box::new(run),
            naive: Box::new(naive),
            shapes: Vec::new(),
            at_scale: Vec::new(),
            adapt: |x| x,
            has_gradient: true,
            is_view: false,
        }
    }

    /// A set of shapes to compare on: small ones, since every element is differentiated. One set at least has a size of 0.
    pub(crate) fn on(mut self, shapes: &[&[usize]]) -> Row {
        self.shapes.push(owned(shapes));
        self
    }

    /// Shapes that are large enough for several threads.
    pub(crate) fn at_scale(mut self, shapes: &[&[usize]]) -> Row {
        self.at_scale = owned(shapes);
        self
    }

    /// Changes what was drawn, for operations that are not defined everywhere.
    pub(crate) fn adapted(mut self, adapt: fn(Tensor) -> Tensor) -> Row {
        self.adapt = adapt;
        self
    }

    /// Only positive inputs, not too close to 0.
    pub(crate) fn positive(self) -> Row {
        self.adapted(|x| x.sqr() + 0.3)
    }

    /// The output, such as a mask or a place, depends on the inputs in steps, so that there is nothing to differentiate.
    pub(crate) fn without_gradient(mut self) -> Row {
        self.has_gradient = false;
        self
    }

    /// The output lies in the buffer of the input.
    pub(crate) fn a_view(mut self) -> Row {
        self.is_view = true;
        self
    }

    /// The inputs for each set of shapes, of type F64.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = Vec<Tensor>> {
        self.shapes.iter().map(|shapes| self.draw(shapes, DType::F64))
    }

    /// The inputs for those sets of shapes that have elements.
    pub(crate) fn inputs_with_elements(&self) -> impl Iterator<Item = Vec<Tensor>> {
        self.inputs().filter(|inputs| !is_empty(inputs))
    }

    pub(crate) fn empty_inputs(&self) -> impl Iterator<Item = Vec<Tensor>> {
        self.inputs().filter(|inputs| is_empty(inputs))
    }

    /// Inputs for several threads.
    pub(crate) fn large_inputs(&self, dtype: DType) -> Vec<Tensor> {
        assert!(
            !self.at_scale.is_empty(),
            "{}: the row has no shapes at scale",
            self.name
        );
        self.draw(&self.at_scale, dtype)
    }

    fn draw(&self, shapes: &[Vec<usize>], dtype: DType) -> Vec<Tensor> {
        let random = Random::new(11).stream(self.name);
        let draw = |(i, shape): (usize, &Vec<usize>)| (self.adapt)(random.at(i as u64).normal(shape.as_slice(), dtype));
        shapes.iter().enumerate().map(draw).collect()
    }
}

fn is_empty(inputs: &[Tensor]) -> bool {
    inputs.iter().any(|x| x.count() == 0)
}

fn owned(shapes: &[&[usize]]) -> Vec<Vec<usize>> {
    shapes.iter().map(|shape| shape.to_vec()).collect()
}
