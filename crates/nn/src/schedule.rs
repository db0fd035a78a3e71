//! Learning rates as functions of the step. A schedule has no state, so that a run that goes on after a break has the rates of one that did not.

/// A learning rate for each step, counted from 0.
///
/// ```
/// use nn::{Adam, AdamConfig, Optimiser, Param, Schedule};
/// use tensor_core::Tensor;
/// let w = Param::new(Tensor::from([1.0]));
/// let mut adam = Adam::new([w], AdamConfig::default());
/// let schedule = Schedule::warm_up(3).then(Schedule::cosine(0.5, 0.0, 100));
/// let mut rates = Vec::new();
/// for step in 0..4 {
///     adam.set_learning_rate(schedule.at(step)); // then the step itself
///     rates.push(adam.learning_rate());
/// }
/// assert_eq!(rates, [0.125, 0.25, 0.375, 0.5]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Constant(f64),
    Step { start: f64, every: u64, factor: f64 },
    Exponential { start: f64, factor: f64 },
    Cosine { start: f64, end: f64, steps: u64 },
    PiecewiseLinear(Vec<(u64, f64)>),
    WarmUp { steps: u64, then: Box<Schedule> },
}

impl Schedule {
    /// The same rate at each step.
    ///
    /// ```
    /// assert_eq!(nn::Schedule::constant(0.1).at(1_000_000), 0.1);
    /// ```
    ///
    /// # Panics
    /// If the rate is not a number from 0 up.
    #[track_caller]
    pub fn constant(rate: f64) -> Schedule {
        check("rate", rate);
        Schedule(Form::Constant(rate))
    }

    /// `start`, multiplied by `factor` after every so many steps: PyTorch's `StepLR`.
    ///
    /// ```
    /// let schedule = nn::Schedule::step(1.0, 10, 0.5);
    /// assert_eq!([0, 9, 10, 19, 20].map(|step| schedule.at(step)), [1.0, 1.0, 0.5, 0.5, 0.25]);
    /// ```
    ///
    /// # Panics
    /// If the rate or the factor is not a number from 0 up, or `every` is 0.
    #[track_caller]
    pub fn step(start: f64, every: u64, factor: f64) -> Schedule {
        check("rate", start);
        check("factor", factor);
        assert!(every > 0, "a schedule in steps needs at least one step for each");
        Schedule(Form::Step { start, every, factor })
    }

    /// `start`, multiplied by `factor` after each step: PyTorch's `ExponentialLR`.
    ///
    /// ```
    /// let schedule = nn::Schedule::exponential(8.0, 0.5);
    /// assert_eq!([0, 1, 3].map(|step| schedule.at(step)), [8.0, 4.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the rate or the factor is not a number from 0 up.
    #[track_caller]
    pub fn exponential(start: f64, factor: f64) -> Schedule {
        check("rate", start);
        check("factor", factor);
        Schedule(Form::Exponential { start, factor })
    }

    /// Half a wave of the cosine, from `start` at step 0 to `end` at step `steps`: `end` + (`start` - `end`) (1 + cos(π t / `steps`)) / 2, as in
    /// Loshchilov & Hutter (2017), eq. 5, without their restarts. It stays at `end`, where PyTorch's `CosineAnnealingLR` rises again.
    ///
    /// ```
    /// let schedule = nn::Schedule::cosine(1.0, 0.0, 10);
    /// assert_eq!([0, 5, 10, 99].map(|step| schedule.at(step)), [1.0, 0.5, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If a rate is not a number from 0 up, or `steps` is 0.
    #[track_caller]
    pub fn cosine(start: f64, end: f64, steps: u64) -> Schedule {
        check("rate", start);
        check("rate", end);
        assert!(steps > 0, "a cosine needs at least one step");
        Schedule(Form::Cosine { start, end, steps })
    }

    /// Straight lines between points (step, rate); the first rate before them, the last one after them. Two points are PyTorch's `LinearLR`.
    ///
    /// ```
    /// let schedule = nn::Schedule::piecewise_linear([(0, 0.0), (10, 1.0), (50, 0.0)]);
    /// assert_eq!([0, 5, 10, 30, 99].map(|step| schedule.at(step)), [0.0, 0.5, 1.0, 0.5, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no point, the steps do not rise, or a rate is not a number from 0 up.
    #[track_caller]
    pub fn piecewise_linear(points: impl IntoIterator<Item = (u64, f64)>) -> Schedule {
        let points: Vec<(u64, f64)> = points.into_iter().collect();
        assert!(!points.is_empty(), "a piecewise linear schedule needs a point");
        points.iter().for_each(|&(_, rate)| check("rate", rate));
        for pair in points.windows(2) {
            let (a, b) = (pair[0].0, pair[1].0);
            assert!(a < b, "the steps of a piecewise linear schedule rise; {b} follows {a}");
        }
        Schedule(Form::PiecewiseLinear(points))
    }

    /// Begins with `steps` steps of warm-up, in which the rate rises along a straight line to the one at which the schedule that follows begins:
    /// step t has the part (t + 1) / (`steps` + 1) of it, so that no step is lost on a rate of 0. The schedule that follows counts its own steps
    /// from 0.
    ///
    /// In PyTorch it is `LinearLR` with `start_factor = 1 / (steps + 1)` and `total_iters = steps`, the first of a `SequentialLR`.
    ///
    /// ```
    /// use nn::Schedule;
    /// let schedule = Schedule::warm_up(3).then(Schedule::step(1.0, 2, 0.5));
    /// assert_eq!([0, 1, 2, 3, 4, 5].map(|step| schedule.at(step)), [0.25, 0.5, 0.75, 1.0, 1.0, 0.5]);
    /// ```
    pub fn warm_up(steps: u64) -> WarmUp {
        WarmUp { steps }
    }

    /// The learning rate of step `step`.
    pub fn at(&self, step: u64) -> f64 {
        match &self.0 {
            Form::Constant(rate) => *rate,
            Form::Step { start, every, factor } => start * factor.powf((step / every) as f64),
            Form::Exponential { start, factor } => start * factor.powf(step as f64),
            Form::Cosine { start, end, steps } => {
                let part = step.min(*steps) as f64 / *steps as f64;
                end + (start - end) * (1.0 + (std::f64::consts::PI * part).cos()) / 2.0
            }
            Form::PiecewiseLinear(points) => on_lines(points, step),
            Form::WarmUp { steps, then } if step < *steps => then.at(0) * (step as f64 + 1.0) / (*steps as f64 + 1.0),
            Form::WarmUp { steps, then } => then.at(step - steps),
        }
    }
}

/// A warm-up that waits for the schedule into which it leads; see [`Schedule::warm_up`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a warm-up is a schedule once `then` says what follows"]
pub struct WarmUp {
    steps: u64,
}

impl WarmUp {
    /// The warm-up, and then this schedule from its step 0 on.
    pub fn then(self, schedule: Schedule) -> Schedule {
        Schedule(Form::WarmUp {
            steps: self.steps,
            then: Box::new(schedule),
        })
    }
}

/// The value at `step` of the lines between points, of which there is one at least.
fn on_lines(points: &[(u64, f64)], step: u64) -> f64 {
    let next = points.partition_point(|&(at, _)| at <= step);
    match (next.checked_sub(1).map(|last| points[last]), points.get(next)) {
        (Some((a, from)), Some(&(b, to))) => from + (to - from) * ((step - a) as f64 / (b - a) as f64),
        (Some((_, rate)), None) | (None, Some(&(_, rate))) => rate,
        (None, None) => unreachable!("there is a point"),
    }
}

#[track_caller]
fn check(what: &str, value: f64) {
    assert!(
        value.is_finite() && value >= 0.0,
        "the {what} of a schedule is a number from 0 up, not {value}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// The rates that PyTorch 2.15 gives for `optimiser.param_groups[0]["lr"]` before each step, at a base rate of 0.1.
    #[test]
    fn the_rates_are_those_of_pytorch() {
        let cosine = [
            0.1,
            0.09397114317029975,
            0.07750000000000001,
            0.055000000000000014,
            0.032500000000000015,
            0.01602885682970026,
            0.01,
        ];
        let warm = [
            0.020000000000000004,
            0.04000000000000001,
            0.06000000000000001,
            0.08000000000000002,
        ];
        let cases: [(&str, Schedule, Vec<f64>); 7] = [
            (
                "StepLR(o, 3, 0.5)",
                Schedule::step(0.1, 3, 0.5),
                vec![0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025],
            ),
            (
                "ExponentialLR(o, 0.9)",
                Schedule::exponential(0.1, 0.9),
                vec![
                    0.1,
                    0.09000000000000001,
                    0.08100000000000002,
                    0.07290000000000002,
                    0.06561000000000002,
                    0.05904900000000002,
                ],
            ),
            (
                "CosineAnnealingLR(o, 6, 0.01)",
                Schedule::cosine(0.1, 0.01, 6),
                cosine.to_vec(),
            ),
            (
                "SequentialLR(o, [LinearLR(o, 1/5, 1.0, 4), CosineAnnealingLR(o, 6, 0.01)], [4])",
                Schedule::warm_up(4).then(Schedule::cosine(0.1, 0.01, 6)),
                [&warm[..], &cosine].concat(),
            ),
            (
                "SequentialLR(o, [LinearLR(o, 1/4, 1.0, 3), StepLR(o, 2, 0.1)], [3])",
                Schedule::warm_up(3).then(Schedule::step(0.1, 2, 0.1)),
                vec![0.025, 0.05, 0.07500000000000001, 0.1, 0.1, 0.01, 0.01, 0.001],
            ),
            (
                "LinearLR(o, 0.25, 1.0, 4)",
                Schedule::piecewise_linear([(0, 0.025), (4, 0.1)]),
                vec![0.025, 0.043750000000000004, 0.0625, 0.08125, 0.1, 0.1, 0.1],
            ),
            (
                "LambdaLR(o, lambda t: np.interp(t, [2, 4, 8], [0.5, 1.0, 0.2]))",
                Schedule::piecewise_linear([(2, 0.05), (4, 0.1), (8, 0.02)]),
                vec![0.05, 0.05, 0.05, 0.075, 0.1, 0.08, 0.06, 0.04, 0.02, 0.02],
            ),
        ];
        for (name, schedule, wanted) in cases {
            for (step, wanted) in (0..).zip(wanted) {
                let found = schedule.at(step);
                assert!(
                    (found - wanted).abs() <= 1e-15,
                    "{name}: step {step} has {found}, not {wanted}"
                );
            }
        }
    }

    #[test]
    fn what_has_ended_stays_where_it_is() {
        for step in [6, 7, 12, u64::MAX] {
            assert_eq!(Schedule::cosine(0.1, 0.01, 6).at(step), 0.01);
            assert_eq!(Schedule::piecewise_linear([(1, 0.5), (6, 0.25)]).at(step), 0.25);
        }
        assert_eq!(Schedule::exponential(0.1, 0.9).at(u64::MAX), 0.0);
        assert_eq!(Schedule::warm_up(0).then(Schedule::constant(0.1)).at(0), 0.1);
    }

    #[test]
    fn warm_ups_can_be_nested() {
        let schedule = Schedule::warm_up(1).then(Schedule::warm_up(1).then(Schedule::constant(1.0)));
        let rates = [0, 1, 2, 3].map(|step| schedule.at(step));
        assert_relative_eq!(rates.as_slice(), [0.25, 0.5, 1.0, 1.0].as_slice());
    }

    #[test]
    #[should_panic(expected = "the steps of a piecewise linear schedule rise; 4 follows 4")]
    fn points_out_of_order_are_refused() {
        Schedule::piecewise_linear([(4, 0.1), (4, 0.2)]);
    }

    #[test]
    #[should_panic(expected = "the rate of a schedule is a number from 0 up, not NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        Schedule::cosine(f64::NAN, 0.0, 5);
    }
}
