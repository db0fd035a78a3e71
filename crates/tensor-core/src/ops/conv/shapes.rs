//! The shape rules of convolutions, and what is said where they are broken.

use super::super::sliding::Sliding;
use crate::error::ShapeError;
use crate::kernels::conv::Geometry;
use crate::kernels::window::Axis;
use crate::shape::Shape;
use crate::tensor::Tensor;

impl Sliding {
    /// The sizes of the convolution of x with this weight.
    ///
    /// # Errors
    /// If they do not fit.
    pub(super) fn convolution(&self, name: &'static str, x: Shape, weight: Shape) -> Result<Geometry, ShapeError> {
        self.check_options(name, x)?;
        self.check_ranks(name, x, weight, "[out, in / groups, ")?;
        let groups = self.options.groups;
        let (channels, outputs, inputs) = (x[1], weight[0], weight[1]);
        let wanted = inputs.checked_mul(groups);
        if wanted != Some(channels) {
            let problem = format!(
                "input {x} has {channels} channels, weight {weight} takes {}",
                self.channels(inputs)
            );
            let error = ShapeError::new(name, problem);
            return Err(match self.channels_last(x, wanted) {
                Some(hint) => error.hint(hint),
                None if channels == outputs => {
                    error.hint("is it the weight of a transposed convolution? here it is [out, in / groups, …]")
                }
                None => error,
            });
        }
        self.check_groups(name, "output", outputs, weight)?;
        let (input, kernel) = (self.plane(x), self.plane(weight));
        let mut axes = [Axis::ABSENT; 2];
        for (axis, sizes) in axes.iter_mut().enumerate() {
            *sizes = self.axis(name, axis, x, input[axis], kernel[axis])?;
        }
        Ok(Geometry {
            samples: x[0],
            groups,
            inputs,
            outputs: outputs / groups,
            axes,
        })
    }

    /// The sizes of the convolution whose transpose takes x with this weight.
    ///
    /// # Errors
    /// If they do not fit.
    pub(super) fn transposed(
        &self,
        name: &'static str,
        x: Shape,
        weight: Shape,
        output_padding: [usize; 2],
    ) -> Result<Geometry, ShapeError> {
        self.check_options(name, x)?;
        self.check_ranks(name, x, weight, "[in, out / groups, ")?;
        let groups = self.options.groups;
        let (channels, inputs, outputs) = (x[1], weight[0], weight[1]);
        if channels != inputs {
            let problem = format!("input {x} has {channels} channels, weight {weight} takes {inputs}");
            let error = ShapeError::new(name, problem);
            return Err(match self.channels_last(x, Some(inputs)) {
                Some(hint) => error.hint(hint),
                None if outputs.checked_mul(groups) == Some(channels) => {
                    error.hint("is it the weight of a convolution? here it is [in, out / groups, …]")
                }
                None => error,
            });
        }
        self.check_groups(name, "input", inputs, weight)?;
        let made = outputs.checked_mul(groups);
        if made.is_none() {
            let problem = format!("weight {weight} makes more channels in {groups} groups than can be counted");
            return Err(ShapeError::new(name, problem));
        }
        let (output, kernel) = (self.plane(x), self.plane(weight));
        let mut axes = [Axis::ABSENT; 2];
        for (axis, sizes) in axes.iter_mut().enumerate() {
            let input = self.size_before(name, axis, x, output[axis], kernel[axis], output_padding[axis])?;
            *sizes = self.sizes(axis, input, kernel[axis], output[axis]);
        }
        Ok(Geometry {
            samples: x[0],
            groups,
            inputs: outputs,
            outputs: inputs / groups,
            axes,
        })
    }

    fn check_ranks(&self, name: &'static str, x: Shape, weight: Shape, leading: &str) -> Result<(), ShapeError> {
        self.check_input(name, x)?;
        if weight.rank() != self.dims + 2 {
            let problem = format!("needs a weight {leading}{}], got {weight}", self.dim_names());
            return Err(ShapeError::new(name, problem));
        }
        if weight[2..].contains(&0) {
            return Err(ShapeError::new(name, format!("the kernel of weight {weight} is empty")));
        }
        Ok(())
    }

    fn check_groups(&self, name: &'static str, which: &str, channels: usize, weight: Shape) -> Result<(), ShapeError> {
        let groups = self.options.groups;
        if channels.is_multiple_of(groups) && groups <= channels.max(1) {
            return Ok(());
        }
        let problem = format!("the {channels} {which} channels of weight {weight} do not make {groups} equal groups");
        Err(ShapeError::new(name, problem))
    }

    fn channels(&self, inputs: usize) -> String {
        match self.options.groups {
            1 => inputs.to_string(),
            groups => format!("{inputs} in each of {groups} groups"),
        }
    }

    /// Whether the channels seem to be in the last dimension, as in other frameworks.
    fn channels_last(&self, x: Shape, wanted: Option<usize>) -> Option<String> {
        let order = if self.dims == 1 { "&[0, 2, 1]" } else { "&[0, 3, 1, 2]" };
        let is_last = x.last().copied() == wanted;
        is_last.then(|| format!("are the channels in the last dimension? permute({order}) brings them to the second"))
    }
}

/// Checks that a bias, if there is one, has a number for each channel.
pub(super) fn check_bias(name: &'static str, bias: Option<&&Tensor>, channels: usize) -> Result<(), ShapeError> {
    match bias {
        Some(bias) if bias.shape() != [channels] => Err(ShapeError::new(
            name,
            format!("needs a bias [{channels}], got {}", bias.shape()),
        )),
        _ => Ok(()),
    }
}
