//! How a window moves over one or two dimensions: what convolution and pooling have in common.

use super::conv::ConvOptions;
use crate::error::ShapeError;
use crate::kernels::window::Axis;
use crate::shape::Shape;

/// How a window moves over one or two dimensions.
#[derive(Clone, Copy)]
pub(super) struct Sliding {
    /// 1 or 2.
    pub(super) dims: usize,
    pub(super) options: ConvOptions<2>,
}

impl Sliding {
    /// Over one dimension: in the other, which comes first, there is a single place.
    pub(super) fn along(options: &ConvOptions<1>) -> Sliding {
        let ConvOptions {
            stride: [stride],
            padding: [padding],
            dilation: [dilation],
            groups,
        } = *options;
        Sliding {
            dims: 1,
            options: ConvOptions {
                stride: [1, stride],
                padding: [[0, 0], padding],
                dilation: [1, dilation],
                groups,
            },
        }
    }

    pub(super) fn over(options: &ConvOptions<2>) -> Sliding {
        Sliding {
            dims: 2,
            options: *options,
        }
    }

    /// The stride, and what differs from its default.
    pub(super) fn attributes(&self) -> Vec<(&'static str, String)> {
        let ConvOptions {
            stride,
            padding,
            dilation,
            groups,
        } = self.options;
        let absent = 2 - self.dims;
        let mut attributes = vec![("stride", format!("{:?}", &stride[absent..]))];
        if padding != [[0, 0]; 2] {
            attributes.push(("padding", format!("{:?}", &padding[absent..])));
        }
        if dilation != [1, 1] {
            attributes.push(("dilation", format!("{:?}", &dilation[absent..])));
        }
        if groups != 1 {
            attributes.push(("groups", groups.to_string()));
        }
        attributes
    }

    /// The last two sizes of a shape; 1 for a dimension that is not there.
    pub(super) fn plane(&self, shape: Shape) -> [usize; 2] {
        match (self.dims, shape.sizes()) {
            (1, [.., length]) => [1, *length],
            (_, [.., height, width]) => [*height, *width],
            _ => unreachable!("the rank was checked"),
        }
    }

    /// [first, second, plane…], without a dimension that is not there.
    pub(super) fn shape(
        &self,
        name: &'static str,
        first: usize,
        second: usize,
        plane: [usize; 2],
    ) -> Result<Shape, ShapeError> {
        let sizes = [&[first, second], &plane[2 - self.dims..]].concat();
        Shape::try_new(&sizes).map_err(|problem| ShapeError::new(name, problem))
    }

    fn dim_name(&self, axis: usize) -> &'static str {
        match (self.dims, axis) {
            (1, _) => "length",
            (_, 0) => "height",
            _ => "width",
        }
    }

    /// `height, width` or `length`.
    pub(super) fn dim_names(&self) -> &'static str {
        if self.dims == 1 { "length" } else { "height, width" }
    }

    /// An axis of the input x.
    ///
    /// # Errors
    /// If the kernel is larger than it.
    pub(super) fn axis(
        &self,
        name: &'static str,
        axis: usize,
        x: Shape,
        input: usize,
        kernel: usize,
    ) -> Result<Axis, ShapeError> {
        let ([before, after], stride) = (self.options.padding[axis], self.options.stride[axis]);
        let span = self.span(axis, kernel).ok_or_else(|| uncountable(name, x))?;
        let padded = input.checked_add(before).and_then(|size| size.checked_add(after));
        // Places are counted from the first of the input, those before it with negative numbers.
        let countable = padded.filter(|&size| size <= isize::MAX as usize);
        let padded = countable.ok_or_else(|| uncountable(name, x))?;
        if span > padded {
            let dim = self.dim_name(axis);
            let spread = if span == kernel {
                String::new()
            } else {
                format!(", spread to {span} by dilation,")
            };
            let problem = format!(
                "a kernel of {dim} {kernel}{spread} is larger than the input {x} of {dim} {input} with padding {before} and {after}"
            );
            return Err(ShapeError::new(name, problem));
        }
        Ok(self.sizes(axis, input, kernel, (padded - span) / stride + 1))
    }

    /// An axis of these sizes.
    pub(super) fn sizes(&self, axis: usize, input: usize, kernel: usize, output: usize) -> Axis {
        Axis {
            input,
            output,
            kernel,
            stride: self.options.stride[axis],
            dilation: self.options.dilation[axis],
            padding: self.options.padding[axis][0],
        }
    }

    /// From the first place that the window sees to the last, if that can be counted.
    fn span(&self, axis: usize, kernel: usize) -> Option<usize> {
        (kernel - 1).checked_mul(self.options.dilation[axis])?.checked_add(1)
    }

    /// The input's size of which `output` positions of the window are left.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn size_before(
        &self,
        name: &'static str,
        axis: usize,
        x: Shape,
        output: usize,
        kernel: usize,
        output_padding: usize,
    ) -> Result<usize, ShapeError> {
        let ([before, after], stride) = (self.options.padding[axis], self.options.stride[axis]);
        let dim = self.dim_name(axis);
        if output_padding >= stride {
            let problem =
                format!("output_padding {output_padding} of the {dim} is not smaller than the stride {stride}");
            return Err(ShapeError::new(name, problem)
                .hint("it chooses one of the sizes that the stride rounds down to the same; a larger one only adds zeros, as pad does"));
        }
        if output == 0 {
            return Err(ShapeError::new(name, format!("input {x} has no {dim}")));
        }
        let reached = || {
            let last = (output - 1).checked_mul(stride)?;
            last.checked_add(self.span(axis, kernel)?)?.checked_add(output_padding)
        };
        let countable = reached().filter(|&size| size <= isize::MAX as usize);
        let full = countable.ok_or_else(|| uncountable(name, x))?;
        full.checked_sub(before.saturating_add(after)).ok_or_else(|| {
            let problem =
                format!("padding {before} and {after} takes more off than the output's {dim}, which is {full}");
            ShapeError::new(name, problem)
        })
    }

    /// What has to be added to the size that a transposed convolution would give, so that it is the input of this one.
    pub(super) fn output_padding(&self, input: [usize; 2], kernel: [usize; 2]) -> [usize; 2] {
        std::array::from_fn(|axis| {
            let [before, after] = self.options.padding[axis];
            let span = self.span(axis, kernel[axis]).expect("infer checked the sizes");
            (input[axis] + before + after - span) % self.options.stride[axis]
        })
    }

    /// # Errors
    /// If an option is 0.
    pub(super) fn check_options(&self, name: &'static str, x: Shape) -> Result<(), ShapeError> {
        let ConvOptions {
            stride,
            dilation,
            groups,
            ..
        } = self.options;
        let zero = [
            ("stride", stride.contains(&0)),
            ("dilation", dilation.contains(&0)),
            ("groups", groups == 0),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            None => Ok(()),
            Some((option, _)) => Err(ShapeError::new(
                name,
                format!("{option} is 0 for the input {x}, it is at least 1"),
            )),
        }
    }

    /// # Errors
    /// If x is not a batch of planes, or of lines.
    pub(super) fn check_input(&self, name: &'static str, x: Shape) -> Result<(), ShapeError> {
        if x.rank() == self.dims + 2 {
            return Ok(());
        }
        let problem = format!("needs an input [batch, channels, {}], got {x}", self.dim_names());
        let error = ShapeError::new(name, problem);
        if x.rank() != self.dims + 1 {
            return Err(error);
        }
        let with_batch = [&[1], x.sizes()].concat();
        Err(error.hint(format!(
            "the batch dimension is missing: unsqueeze(0) gives {with_batch:?}"
        )))
    }
}

fn uncountable(name: &'static str, x: Shape) -> ShapeError {
    ShapeError::new(
        name,
        format!("with these options, the window over the input {x} has more places than can be counted"),
    )
}
