//! What a module is made of, as a table.

use crate::context::Context;
use crate::layer::Layer;
use crate::module::{self, Entry, Module, Place, Walk};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tensor_core::autograd::observe::{Observer, Step, observe, start};
use tensor_core::autograd::pause_recording;
use tensor_core::{DType, Random, Shape, Tensor, no_grad};

/// The parts of a module with their output shapes and sizes. It is printed as a table.
///
/// ```
/// use nn::{Linear, ReLU, Sequential, Summary};
/// use tensor_core::Random;
/// let init = &mut Random::new(0);
/// let encoder = Sequential::new().with(Linear::new(784, 400, init)).with(ReLU);
/// let model = Sequential::new().with(encoder).with(Linear::new(400, 10, init));
/// let table = "\
/// part       kind        output     parameters
/// --------------------------------------------
/// (whole)    Sequential  [32, 10]            -
/// 0          Sequential  [32, 400]           -
/// 0.0        Linear      [32, 400]     314,000
/// 0.1        ReLU        [32, 400]           -
/// 1          Linear      [32, 10]        4,010
/// --------------------------------------------
/// trainable                            318,010
/// buffers                                    0
/// bytes                              1,272,040
/// ";
/// assert_eq!(Summary::of(&model, [32, 784]).to_string(), table);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The whole, and then each part, in the order of [`Module::visit`].
    pub rows: Vec<SummaryRow>,
    /// How many numbers the parameters hold.
    pub trainable: usize,
    /// How many numbers the buffers hold.
    pub buffers: usize,
    /// The memory that both take.
    pub bytes: usize,
}

/// A part of a module.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// The name under which it is reached, such as `encoder.0`; empty for the whole.
    pub name: String,
    /// The name of its type.
    pub kind: &'static str,
    /// The shape of what was last computed in it. `None` if nothing was, as in dropout that does not train, or if it has no
    /// [scope](tensor_core::autograd::scope): layers with parameters open one ([`Place`](crate::module::Place)), and
    /// [`Sequential`](crate::Sequential) one for each of its layers.
    pub output: Option<Shape>,
    /// How many numbers its own parameters hold, without those of its parts. Of what two parts share, the first has all.
    pub parameters: usize,
}

impl Summary {
    /// The summary of a layer with zeros of this shape as its input, evaluated.
    ///
    /// ```
    /// use nn::{Linear, Summary};
    /// let linear = Linear::new(3, 2, &mut tensor_core::Random::new(0));
    /// let summary = Summary::of(&linear, [5, 3]);
    /// assert_eq!(summary.rows[0].output, Some([5, 2].into()));
    /// assert_eq!(summary.rows[0].parameters, 8); // 2 · 3 and a bias of 2
    /// assert_eq!((summary.trainable, summary.buffers, summary.bytes), (8, 0, 32));
    /// ```
    ///
    /// # Panics
    /// If the layer takes no such input.
    #[track_caller]
    pub fn of(layer: &(impl Layer + ?Sized), input: impl Into<Shape>) -> Summary {
        let dtype = module::params(layer).first().map_or(DType::F32, |param| param.dtype());
        let x = Tensor::zeros(input.into()).to_dtype(dtype);
        // Guards, not closures: an error is to name the caller's line.
        let parts = Parts::of(layer);
        let (observing, recording) = (start(Outputs::default()), pause_recording());
        layer.forward(&x, &mut Context::evaluation(&Random::new(0)));
        drop(recording);
        parts.with_outputs(&observing.finish())
    }

    /// The summary of a module that `run` uses: for models with several inputs, or indices. Nothing is recorded for gradients.
    ///
    /// ```
    /// # use nn::{Context, Layer, Linear, Module, Sequential, Summary, Visitor};
    /// # use tensor_core::{Random, Tensor};
    /// # struct Model { encoder: Sequential }
    /// # impl Module for Model {
    /// #     fn visit(&self, v: &mut Visitor<'_>) {
    /// #         v.module("encoder", &self.encoder);
    /// #     }
    /// # }
    /// let random = Random::new(0);
    /// let encoder = Sequential::new().with(Linear::new(4, 3, &mut random.stream("init")));
    /// let model = Model { encoder };
    /// let mut cx = Context::evaluation(&random);
    /// let summary = Summary::of_run(&model, || model.encoder.forward(&Tensor::zeros([1, 4]), &mut cx).exp());
    /// assert_eq!(summary.rows[2].name, "encoder.0");
    /// assert_eq!(summary.rows[2].output, Some([1, 3].into()));
    /// ```
    pub fn of_run<R>(module: &(impl Module + ?Sized), run: impl FnOnce() -> R) -> Summary {
        let parts = Parts::of(module);
        let (_, outputs) = observe(Outputs::default(), || no_grad(run));
        parts.with_outputs(&outputs)
    }
}

/// Collects the rows, and names the places as this walk does: a part of a model that is summarised for itself has shorter names here.
#[derive(Default)]
struct Parts {
    summary: Summary,
    names_before: Vec<(Place, Option<Arc<str>>)>,
}

impl Parts {
    fn of(module: &(impl Module + ?Sized)) -> Parts {
        let mut parts = Parts::default();
        module::walk(module, &mut parts);
        parts
    }

    fn with_outputs(mut self, outputs: &Outputs) -> Summary {
        let mut summary = std::mem::take(&mut self.summary);
        for row in &mut summary.rows {
            row.output = outputs.0.get(row.name.as_str()).copied();
        }
        summary
    }
}

impl Walk for Parts {
    fn part(&mut self, name: &str, kind: &'static str) {
        self.summary.rows.push(SummaryRow {
            name: name.to_owned(),
            kind,
            output: None,
            parameters: 0,
        });
    }

    fn entry(&mut self, name: &str, entry: Entry) {
        let value = entry.tensor();
        let summary = &mut self.summary;
        summary.bytes += value.count() * value.dtype().size();
        if let Entry::Buffer(_) = entry {
            summary.buffers += value.count();
            return;
        }
        summary.trainable += value.count();
        // The last part that was entered may have been left again.
        let holds = |row: &&mut SummaryRow| row.name.is_empty() || name.starts_with(&format!("{}.", row.name));
        let row = summary.rows.iter_mut().rev().find(holds);
        row.expect("the whole holds every entry").parameters += value.count();
    }

    fn place(&mut self, name: &str, place: &Place) {
        self.names_before.push((place.clone(), place.get()));
        place.set(Some(name.into()));
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        for (place, name) in self.names_before.iter().rev() {
            place.set(name.clone());
        }
    }
}

/// The shape of what was last computed in each scope.
#[derive(Default)]
struct Outputs(HashMap<String, Shape>);

impl Observer for Outputs {
    fn after(&mut self, step: &Step<'_>, output: &Tensor) {
        let scope = step.scope().unwrap_or_default();
        let mut part = &*scope;
        // What is computed in `encoder.0` is computed in `encoder` too, and in the whole.
        loop {
            self.0.insert(part.to_owned(), output.shape());
            if part.is_empty() {
                break;
            }
            part = part.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["part", "kind", "output", "parameters"].map(str::to_owned)];
        lines.extend(self.rows.iter().map(SummaryRow::cells));
        let totals = [
            ("trainable", self.trainable),
            ("buffers", self.buffers),
            ("bytes", self.bytes),
        ];
        let total = |(name, number): (&str, usize)| [name.to_owned(), String::new(), String::new(), grouped(number)];
        lines.extend(totals.map(total));

        let widths = [0, 1, 2, 3].map(|column| {
            let widths = lines.iter().map(|line: &[String; 4]| line[column].chars().count());
            widths.max().unwrap_or(0)
        });
        let [part, kind, output, parameters] = widths;
        let rule = "-".repeat(widths.iter().sum::<usize>() + 6);
        for (i, [a, b, c, d]) in lines.iter().enumerate() {
            if i == 1 || i == 1 + self.rows.len() {
                writeln!(f, "{rule}")?;
            }
            writeln!(f, "{a:part$}  {b:kind$}  {c:output$}  {d:>parameters$}")?;
        }
        Ok(())
    }
}

impl SummaryRow {
    fn cells(&self) -> [String; 4] {
        let name = if self.name.is_empty() { "(whole)" } else { &self.name };
        let output = self.output.map_or_else(|| "-".to_owned(), |shape| shape.to_string());
        let parameters = match self.parameters {
            0 => "-".to_owned(),
            parameters => grouped(parameters),
        };
        [name.to_owned(), self.kind.to_owned(), output, parameters]
    }
}

/// The number with a comma after each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::panic_of;
    use crate::{Buffer, Linear, Param, ReLU, Sequential, Tanh, Visitor};

    struct Model {
        encoder: Sequential,
        scale: Param,
        seen: Buffer,
    }

    impl Module for Model {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.module("encoder", &self.encoder);
            v.param("scale", &self.scale);
            v.buffer("seen", &self.seen);
        }
    }

    fn model() -> Model {
        let init = &mut Random::new(0);
        let inner = Sequential::new().with(Linear::new(3, 1200, init)).with(Tanh);
        let encoder = Sequential::new().with(Linear::new(4, 3, init)).with(ReLU).with(inner);
        Model {
            encoder,
            scale: Param::new(Tensor::ones([1200])),
            seen: Buffer::new(Tensor::from_slice(&[0u32], [1])),
        }
    }

    fn evaluation() -> Context {
        Context::evaluation(&Random::new(0))
    }

    #[test]
    fn nested_parts_and_a_models_own_parameters_are_told() {
        let model = model();
        let mut cx = evaluation();
        let x = Tensor::zeros([2, 4]);
        let summary = Summary::of_run(&model, || {
            (model.encoder.forward(&x, &mut cx) * model.scale.tensor()).sum(1)
        });
        let wanted = "\
part         kind        output     parameters
----------------------------------------------
(whole)      Model       [2]             1,200
encoder      Sequential  [2, 1200]           -
encoder.0    Linear      [2, 3]             15
encoder.1    ReLU        [2, 3]              -
encoder.2    Sequential  [2, 1200]           -
encoder.2.0  Linear      [2, 1200]       4,800
encoder.2.1  Tanh        [2, 1200]           -
----------------------------------------------
trainable                                6,015
buffers                                      1
bytes                                   24,064
";
        assert_eq!(summary.to_string(), wanted);
    }

    #[test]
    fn a_part_is_summarised_without_losing_its_name() {
        let model = model();
        module::name(&model);
        let summary = Summary::of(&model.encoder, [2, 4]);
        assert_eq!(summary.rows[1].name, "0");
        assert_eq!(summary.rows[1].output, Some([2, 3].into()));
        let wrong = || model.encoder.forward(&Tensor::zeros([2, 5]), &mut evaluation());
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(wrong));
        let message = *panic.unwrap_err().downcast::<String>().unwrap();
        assert!(message.ends_with("in encoder.0"), "{message}");
    }

    /// Two names for the same layers.
    struct Tied(Sequential);

    impl Module for Tied {
        fn visit(&self, v: &mut Visitor<'_>) {
            v.module("a", &self.0);
            v.module("b", &self.0);
        }
    }

    #[test]
    fn what_is_shared_is_counted_once() {
        let tied = Tied(Sequential::new().with(Linear::new(4, 3, &mut Random::new(0))));
        let summary = Summary::of_run(&tied, || tied.0.forward(&Tensor::zeros([2, 4]), &mut evaluation()));
        let parameters: Vec<usize> = summary.rows.iter().map(|row| row.parameters).collect();
        assert_eq!((parameters, summary.trainable), (vec![0, 0, 15, 0, 0], 15));
    }

    #[test]
    fn a_part_in_which_nothing_is_computed_has_no_shape() {
        let model = model();
        let summary = Summary::of_run(&model, || ());
        assert!(summary.rows.iter().all(|row| row.output.is_none()));
    }

    #[test]
    fn an_input_that_does_not_fit_is_refused_at_the_users_line() {
        let model = model();
        let (line, (message, at)) = (line!(), panic_of(|| Summary::of(&model.encoder, [2, 5])));
        assert_eq!(at, (file!().to_owned(), line));
        assert_eq!(
            message,
            format!(
                "linear: input [2, 5] has 5 features, weight [3, 4] takes 4\n  at {}:{line}:59, in 0",
                file!()
            )
        );
        let recorded = (Tensor::zeros([1]).requires_grad() * 2.0).is_tracked();
        assert!(recorded, "recording goes on after a refusal");
    }

    #[test]
    fn digits_are_grouped() {
        let numbers = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
