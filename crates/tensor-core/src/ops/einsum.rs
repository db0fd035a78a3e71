//! Sums of products by Einstein's convention, made of permutations and matrix products.

use super::composition;
use super::elementwise::same_type;
use crate::error::ShapeError;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What a text such as "bij,bjk->bik" says: an index for each dimension of each operand, and of the output.
struct Subscripts {
    operands: Vec<Vec<char>>,
    output: Vec<char>,
}

fn refused(problem: impl Into<String>) -> ShapeError {
    ShapeError::new("einsum", problem)
}

/// The first index that occurs twice.
fn repeated(indices: &[char]) -> Option<char> {
    (1..indices.len())
        .find(|&i| indices[..i].contains(&indices[i]))
        .map(|i| indices[i])
}

impl Subscripts {
    fn parse(text: &str) -> Result<Subscripts, ShapeError> {
        let written: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if written.contains('.') {
            return Err(
                refused(format!("`{text}` has an ellipsis, which is not known here")).hint("name each dimension")
            );
        }
        let (inputs, output) = match written.split_once("->") {
            Some((inputs, output)) => (inputs, Some(output)),
            None => (written.as_str(), None),
        };
        let indices = |term: &str| -> Result<Vec<char>, ShapeError> {
            match term.chars().find(|c| !c.is_ascii_alphabetic()) {
                None => Ok(term.chars().collect()),
                Some(c) => Err(refused(format!(
                    "`{text}` has a `{c}`: indices are letters, as in `bij,bjk->bik`"
                ))),
            }
        };
        let operands = inputs.split(',').map(indices).collect::<Result<Vec<_>, _>>()?;
        if let Some(index) = operands.iter().find_map(|operand| repeated(operand)) {
            let problem = format!("`{text}` has the index {index} twice in one operand, which is not known here");
            return Err(refused(problem).hint("a diagonal is picked by gather, or by a product with a unit matrix"));
        }
        let output = match output {
            Some(output) => indices(output)?,
            None => Subscripts::implied(&operands),
        };
        if let Some(index) = repeated(&output) {
            return Err(refused(format!("`{text}` has the index {index} twice in the output")));
        }
        match output
            .iter()
            .find(|index| !operands.iter().any(|operand| operand.contains(index)))
        {
            Some(index) => Err(refused(format!(
                "`{text}` has the index {index} in the output and in no operand"
            ))),
            None => Ok(Subscripts { operands, output }),
        }
    }

    /// The output where none is written, as in NumPy: each index that occurs once, in the order of the alphabet.
    fn implied(operands: &[Vec<char>]) -> Vec<char> {
        let mut all = operands.concat();
        all.sort_unstable();
        let once = |index: &char| all.iter().filter(|other| *other == index).count() == 1;
        all.iter().copied().filter(once).collect()
    }

    /// The indices that have another size than 1, with that size.
    fn sizes(&self, text: &str, operands: &[&Tensor]) -> Result<Vec<(char, usize)>, ShapeError> {
        if operands.len() != self.operands.len() {
            let (named, given) = (self.operands.len(), operands.len());
            return Err(refused(format!("operands named by `{text}`: {named}, given: {given}")));
        }
        let mut sizes: Vec<(char, usize)> = Vec::new();
        for (number, (indices, x)) in self.operands.iter().zip(operands).enumerate() {
            if indices.len() != x.rank() {
                let (named, shape) = (indices.len(), x.shape());
                let problem = format!("`{text}` has {named} indices for operand {number}, which has shape {shape}");
                return Err(refused(problem));
            }
            let shape = x.shape();
            for (&index, &size) in indices.iter().zip(x.shape().iter()).filter(|(_, size)| **size != 1) {
                match sizes.iter().find(|(other, _)| *other == index) {
                    Some((_, other)) if *other != size => {
                        let has = |(indices, x): &(&Vec<char>, &&Tensor)| {
                            indices
                                .iter()
                                .zip(x.shape().iter())
                                .any(|(i, s)| *i == index && s == other)
                        };
                        let first = self
                            .operands
                            .iter()
                            .zip(operands)
                            .position(|pair| has(&pair))
                            .unwrap_or(0);
                        let before = operands[first].shape();
                        let problem = format!(
                            "`{text}`: the index {index} has size {other} in operand {first} {before}, and {size} in operand {number} {shape}"
                        );
                        return Err(refused(problem));
                    }
                    Some(_) => {}
                    None => sizes.push((index, size)),
                }
            }
        }
        Ok(sizes)
    }
}

/// A tensor with a name for each dimension.
#[derive(Clone)]
struct Named {
    tensor: Tensor,
    indices: Vec<char>,
}

impl Named {
    /// Without dimensions of size 1 that another operand repeats: what is the same everywhere needs no index.
    #[track_caller]
    fn new(x: &Tensor, indices: Vec<char>, sizes: &[(char, usize)]) -> Result<Named, ShapeError> {
        let shape = x.shape();
        let repeated = |index: char| sizes.iter().any(|(other, _)| *other == index);
        let kept = |&dim: &usize| shape[dim] != 1 || !repeated(indices[dim]);
        let kept: Vec<usize> = (0..shape.rank()).filter(kept).collect();
        let sizes: Vec<usize> = kept.iter().map(|&dim| shape[dim]).collect();
        Ok(Named {
            tensor: x.try_reshape(sizes.as_slice())?,
            indices: kept.into_iter().map(|dim| indices[dim]).collect(),
        })
    }

    fn place(&self, index: char) -> usize {
        let place = self.indices.iter().position(|&other| other == index);
        place.expect("only indices of this operand are asked for")
    }

    fn sizes(&self, indices: &[char]) -> Vec<usize> {
        indices
            .iter()
            .map(|&index| self.tensor.shape()[self.place(index)])
            .collect()
    }

    /// Summed over what nobody needs.
    #[track_caller]
    fn keeping(self, needed: impl Fn(char) -> bool) -> Result<Named, ShapeError> {
        let (kept, gone): (Vec<char>, Vec<char>) = self.indices.iter().partition(|&&index| needed(index));
        if gone.is_empty() {
            return Ok(self);
        }
        let gone: Vec<isize> = gone.iter().map(|&index| self.place(index) as isize).collect();
        let tensor = self.tensor.try_sum(gone.as_slice())?;
        Ok(Named { tensor, indices: kept })
    }

    #[track_caller]
    fn in_order(&self, order: &[char]) -> Result<Tensor, ShapeError> {
        let order: Vec<isize> = order.iter().map(|&index| self.place(index) as isize).collect();
        self.tensor.try_permute(&order)
    }

    /// A batch of matrices, each of whose three dimensions is made of several of this tensor's.
    #[track_caller]
    fn matrices(&self, dims: [&[char]; 3]) -> Result<Tensor, ShapeError> {
        let sizes = dims.map(|indices| self.sizes(indices).iter().product::<usize>());
        self.in_order(&dims.concat())?.try_reshape(sizes)
    }

    /// The product, summed over what both have and nobody needs any more: a batch of matrix products.
    #[track_caller]
    fn times(&self, other: &Named, needed: impl Fn(char) -> bool) -> Result<Named, ShapeError> {
        let (common, left): (Vec<char>, Vec<char>) =
            self.indices.iter().partition(|index| other.indices.contains(index));
        let right: Vec<char> = other
            .indices
            .iter()
            .copied()
            .filter(|index| !common.contains(index))
            .collect();
        let (batch, inner): (Vec<char>, Vec<char>) = common.into_iter().partition(|&index| needed(index));
        let a = self.matrices([&batch, &left, &inner])?;
        let b = other.matrices([&batch, &inner, &right])?;
        // Without a sum, the products are those of a column and a row: plain broadcasting.
        let product = if inner.is_empty() {
            a.try_mul(&b)?
        } else {
            a.try_matmul(&b)?
        };
        let sizes = [self.sizes(&batch), self.sizes(&left), other.sizes(&right)].concat();
        let shape = Shape::try_new(&sizes).map_err(refused)?;
        Ok(Named {
            tensor: product.try_reshape(shape)?,
            indices: [batch, left, right].concat(),
        })
    }
}

#[track_caller]
fn evaluate(subscripts: Subscripts, sizes: &[(char, usize)], operands: &[&Tensor]) -> Result<Tensor, ShapeError> {
    let Subscripts {
        operands: indices,
        output,
    } = subscripts;
    let mut named = Vec::with_capacity(operands.len());
    for (x, indices) in operands.iter().zip(indices) {
        named.push(Named::new(x, indices, sizes)?);
    }
    let mut done: Option<Named> = None;
    for (number, next) in named.iter().enumerate() {
        let rest = &named[number + 1..];
        let needed_later = |index: char| output.contains(&index) || rest.iter().any(|x| x.indices.contains(&index));
        let next = next
            .clone()
            .keeping(|index| needed_later(index) || done.as_ref().is_some_and(|done| done.indices.contains(&index)))?;
        done = Some(match done {
            None => next,
            Some(done) => done.times(&next, needed_later)?,
        });
    }
    done.expect("a text names an operand at least").in_order(&output)
}

impl Tensor {
    composition! {
        /// The sum of products that `subscripts` describe by Einstein's convention: each operand has a letter for each of its dimensions, the same letter means
        /// the same index, and what is not in the output is summed over. "bij,bjk->bik" is a batch of matrix products, "ij->ji" a transpose, "ij->"
        /// the sum of all, "i,j->ij" an outer product. Without "->", the output has the letters that occur once, in alphabetical order, as in NumPy.
        /// Sizes of 1 are repeated, as in PyTorch. Several operands are multiplied from left to right. The rule is that of the operations that it
        /// is made of.
        ///
        /// ```
        /// use tensor_core::Tensor;
        /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        /// let v = Tensor::from([1.0, 10.0]);
        /// assert_eq!(Tensor::einsum("ij,j->i", &[&a, &v]).to_vec::<f32>(), [21.0, 43.0]);
        /// let form = Tensor::einsum("i,ij,j->", &[&v, &a, &v]); // vᵀ A v, whose gradient by A is v vᵀ
        /// assert_eq!(form.item(), 451.0);
        /// assert_eq!(form.grad(&[&a])[0].to_vec::<f32>(), [1.0, 10.0, 10.0, 100.0]);
        /// ```
        ///
        /// # Panics
        /// If the text does not fit the operands, or an operand has an index twice.
        pub fn einsum / try_einsum(subscripts: &str, operands: &[&Tensor]) -> Tensor = {
            let parsed = Subscripts::parse(subscripts)?;
            let sizes = parsed.sizes(subscripts, operands)?;
            same_type("einsum", operands)?;
            evaluate(parsed, &sizes, operands)
        }
    }
}
