//! Profiling: time and work for each operation and each part of a model.

use super::{Observer, RuleStep, Step};
use crate::ops::Cost;
use crate::tensor::Tensor;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Measures the operations. Printed (`Display`), it is two tables, by operation and by scope, the longest time first.
///
/// The engine reads no clock, so it is given one: a function that says how much time has passed since some moment. The time of an operation that runs inside
/// another one's forward computation counts for the inner one alone, and so does its work. Of a rule counts what its operations leave: what it computes
/// itself, as fast rules do, and adding its gradients to those before. The work of that is not known: zero.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tensor_core::Tensor;
/// use tensor_core::autograd::observe::{Pass, Profiler, observe};
/// let start = Instant::now();
/// let profiler = Profiler::new(move || start.elapsed());
/// let (_, profiler) = observe(profiler, || Tensor::zeros([64, 32]).matmul(&Tensor::zeros([32, 8])));
/// println!("{profiler}");
/// let rows = profiler.by_operation();
/// assert_eq!((rows[0].name.as_str(), rows[0].pass, rows[0].runs), ("matmul", Pass::Forward, 1));
/// assert_eq!(rows[0].cost.flop, 2.0 * 64.0 * 32.0 * 8.0); // a multiplication and an addition each
/// ```
pub struct Profiler {
    clock: Box<dyn FnMut() -> Duration>,
    running: Vec<Running>,
    done: HashMap<Key, Sums>,
}

/// What took the time: an operation, forward or in a rule, or a rule itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// It ran by itself.
    Forward,
    /// It ran in a rule, in a backward pass.
    Backward,
    /// The operation's rule, without the operations that it ran.
    Rule,
}

/// One row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The operation, or the scope; operations outside all scopes have an empty one.
    pub name: String,
    /// Forward or backward; a scope's rules are in its backward row.
    pub pass: Pass,
    /// How often.
    pub runs: usize,
    /// The time of all runs, without operations that ran inside.
    pub time: Duration,
    /// The work of all runs.
    pub cost: Cost,
}

impl Row {
    /// 10⁹ floating-point operations a second; 0 where the clock saw no time.
    pub fn gflop_per_second(&self) -> f64 {
        giga_per_second(self.cost.flop, self.time)
    }

    /// 10⁹ bytes a second; 0 where the clock saw no time.
    pub fn gb_per_second(&self) -> f64 {
        giga_per_second(self.cost.bytes, self.time)
    }
}

fn giga_per_second(amount: f64, time: Duration) -> f64 {
    if time.is_zero() {
        0.0
    } else {
        amount / time.as_secs_f64() * 1e-9
    }
}

/// An operation that has begun, with what ran inside it so far.
struct Running {
    since: Duration,
    inside: Sums,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    operation: &'static str,
    scope: Option<Arc<str>>,
    pass: Pass,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    runs: usize,
    time: Duration,
    cost: Cost,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.runs += other.runs;
        self.time += other.time;
        self.cost.flop += other.cost.flop;
        self.cost.bytes += other.cost.bytes;
    }
}

impl Profiler {
    /// A profiler with this clock.
    pub fn new(clock: impl FnMut() -> Duration + 'static) -> Profiler {
        Profiler {
            clock: Box::new(clock),
            running: Vec::new(),
            done: HashMap::new(),
        }
    }

    /// One row for each operation and pass, the longest time first.
    pub fn by_operation(&self) -> Vec<Row> {
        self.rows(|key| (key.operation, key.pass))
    }

    /// One row for each scope and pass, the longest time first.
    pub fn by_scope(&self) -> Vec<Row> {
        self.rows(|key| {
            let pass = match key.pass {
                Pass::Forward => Pass::Forward,
                Pass::Backward | Pass::Rule => Pass::Backward,
            };
            (key.scope.as_deref().unwrap_or_default(), pass)
        })
    }

    /// The time of all operations and rules.
    pub fn total(&self) -> Duration {
        self.done.values().map(|sums| sums.time).sum()
    }

    fn rows<'a>(&'a self, group: impl Fn(&'a Key) -> (&'a str, Pass)) -> Vec<Row> {
        let mut groups: HashMap<(&str, Pass), Sums> = HashMap::new();
        for (key, sums) in &self.done {
            groups.entry(group(key)).or_default().add(*sums);
        }
        let mut rows: Vec<Row> = groups
            .into_iter()
            .map(|((name, pass), sums)| Row {
                name: name.to_owned(),
                pass,
                runs: sums.runs,
                time: sums.time,
                cost: sums.cost,
            })
            .collect();
        rows.sort_by(|a, b| (b.time, &a.name, a.pass).cmp(&(a.time, &b.name, b.pass)));
        rows
    }
}

impl Profiler {
    fn begin(&mut self) {
        self.running.push(Running {
            since: (self.clock)(),
            inside: Sums::default(),
        });
    }

    /// What began last has ended. `cost` is that of the whole; `None` if it is what ran inside.
    fn end(&mut self, key: Key, cost: Option<Cost>) {
        let now = (self.clock)();
        let run = self.running.pop().expect("what ends has begun");
        let whole = Sums {
            runs: 1,
            time: now.saturating_sub(run.since),
            cost: cost.unwrap_or(run.inside.cost),
        };
        if let Some(outer) = self.running.last_mut() {
            outer.inside.add(whole);
        }
        let own = Sums {
            runs: 1,
            time: whole.time.saturating_sub(run.inside.time),
            cost: Cost {
                flop: (whole.cost.flop - run.inside.cost.flop).max(0.0),
                bytes: (whole.cost.bytes - run.inside.cost.bytes).max(0.0),
            },
        };
        self.done.entry(key).or_default().add(own);
    }
}

impl Observer for Profiler {
    fn before(&mut self, _: &Step<'_>) {
        self.begin();
    }

    fn after(&mut self, step: &Step<'_>, _: &Tensor) {
        let pass = if step.rule_of().is_some() {
            Pass::Backward
        } else {
            Pass::Forward
        };
        let key = Key {
            operation: step.name(),
            scope: step.scope(),
            pass,
        };
        self.end(key, Some(step.cost()));
    }

    fn before_rule(&mut self, _: &RuleStep<'_>) {
        self.begin();
    }

    fn after_rule(&mut self, step: &RuleStep<'_>) {
        let key = Key {
            operation: step.rule().of.name,
            scope: step.scope(),
            pass: Pass::Rule,
        };
        self.end(key, None);
    }
}

impl fmt::Display for Profiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_table(f, "operation", &self.by_operation())?;
        writeln!(f)?;
        self.write_table(f, "scope", &self.by_scope())
    }
}

impl Profiler {
    fn write_table(&self, f: &mut fmt::Formatter<'_>, title: &str, rows: &[Row]) -> fmt::Result {
        let longest = rows.iter().map(|row| row.name.chars().count()).max();
        let width = longest.unwrap_or(0).max(20);
        writeln!(
            f,
            "{title:width$} {:8} {:>6} {:>10} {:>6} {:>10} {:>9} {:>8} {:>7}",
            "pass", "runs", "ms", "share", "MFLOP", "MB", "GFLOP/s", "GB/s"
        )?;
        let mut all = Sums::default();
        for row in rows {
            let sums = Sums {
                runs: row.runs,
                time: row.time,
                cost: row.cost,
            };
            all.add(sums);
            let name = if row.name.is_empty() { "(none)" } else { &row.name };
            let pass = match row.pass {
                Pass::Forward => "forward",
                Pass::Backward => "backward",
                Pass::Rule => "rule",
            };
            self.write_row(f, &format!("{name:width$} {pass:8}"), sums)?;
        }
        self.write_row(f, &format!("{:width$} {:8}", "all", ""), all)
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, what: &str, sums: Sums) -> fmt::Result {
        let share = match self.total() {
            Duration::ZERO => 0.0,
            total => 100.0 * sums.time.as_secs_f64() / total.as_secs_f64(),
        };
        writeln!(
            f,
            "{what} {:>6} {:>10.3} {share:>5.1}% {:>10.3} {:>9.3} {:>8.2} {:>7.2}",
            sums.runs,
            sums.time.as_secs_f64() * 1e3,
            sums.cost.flop * 1e-6,
            sums.cost.bytes * 1e-6,
            giga_per_second(sums.cost.flop, sums.time),
            giga_per_second(sums.cost.bytes, sums.time)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::observe::observe;
    use crate::autograd::scope;
    use crate::ops::{Grads, Keeps, Op, OpInfo, Saved, apply};
    use crate::shape::Shape;
    use crate::{ShapeError, grads};

    /// A clock that moves one millisecond each time it is read.
    fn ticking() -> Profiler {
        let mut ticks = 0;
        Profiler::new(move || {
            ticks += 1;
            Duration::from_millis(ticks)
        })
    }

    /// y = x + x², by two operations inside.
    struct Both;

    impl Op for Both {
        fn info(&self) -> OpInfo {
            OpInfo {
                name: "both",
                formula: "y = x + x²",
                rule: "gx = gy · (1 + 2 x)",
            }
        }

        fn infer(&self, x: &[&Tensor]) -> Result<Shape, ShapeError> {
            Ok(x[0].shape())
        }

        fn forward(&self, x: &[&Tensor], _: Shape) -> Tensor {
            x[0] + x[0].sqr()
        }

        fn keeps(&self) -> Keeps {
            Keeps::inputs(&[0])
        }

        fn vjp(&self, saved: &Saved<'_>, gy: &Tensor) -> Grads {
            grads![gy * (1.0 + 2.0 * saved.input(0))]
        }
    }

    fn row<'a>(rows: &'a [Row], name: &str, pass: Pass) -> &'a Row {
        rows.iter().find(|row| row.name == name && row.pass == pass).unwrap()
    }

    #[test]
    fn what_runs_inside_an_operation_counts_once() {
        let (_, profiler) = observe(ticking(), || apply(Both, &[&Tensor::from([2.0, 3.0])]));
        let rows = profiler.by_operation();
        // Read at 1 (both), 2 and 3 (sqr), 4 and 5 (add), 6 (both).
        let times: Vec<(&str, u128)> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.time.as_millis()))
            .collect();
        assert_eq!(times, [("both", 3), ("add", 1), ("sqr", 1)]);
        assert_eq!(profiler.total(), Duration::from_millis(5));
        assert_eq!(
            row(&rows, "both", Pass::Forward).cost.flop,
            0.0,
            "its two flop are those inside"
        );
        assert_eq!(row(&rows, "sqr", Pass::Forward).cost, Cost { flop: 2.0, bytes: 16.0 });
    }

    #[test]
    fn forward_and_backward_and_scopes_are_apart() {
        let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]).requires_grad();
        let (_, profiler) = observe(ticking(), || {
            let y = {
                let _scope = scope::enter("encoder.0".into());
                x.matmul(&x)
            };
            y.sum(..).grad(&[&x])
        });
        let rows = profiler.by_operation();
        assert_eq!(row(&rows, "matmul", Pass::Forward).runs, 1);
        assert_eq!(row(&rows, "matmul", Pass::Backward).runs, 2);
        assert_eq!(row(&rows, "matmul", Pass::Backward).cost.flop, 2.0 * 16.0);
        assert_eq!(
            row(&rows, "matmul", Pass::Backward).gflop_per_second(),
            32.0 / 2e-3 * 1e-9
        );
        let scopes = profiler.by_scope();
        assert_eq!(row(&scopes, "encoder.0", Pass::Forward).runs, 1);
        assert!(
            row(&scopes, "encoder.0", Pass::Backward).runs >= 2,
            "a rule runs in its operation's scope"
        );
        assert_eq!(row(&scopes, "", Pass::Forward).runs, 1);
    }

    #[test]
    fn a_fast_rule_has_a_row_and_its_operations_count_once() {
        let x = Tensor::from([1.0, 2.0]).requires_grad();
        let (_, profiler) = observe(ticking(), || {
            let y = {
                let _scope = scope::enter("head".into());
                x.softmax(-1)
            };
            (y * &x).sum(..).grad(&[&x])
        });
        let rows = profiler.by_operation();
        // The rule runs no operation: read at its begin and its end.
        let softmax = row(&rows, "softmax", Pass::Rule);
        assert_eq!((softmax.runs, softmax.time), (1, Duration::from_millis(1)));
        // Two products run inside the rule of mul: begin, twice two readings, end.
        let mul = row(&rows, "mul", Pass::Rule);
        assert_eq!((mul.runs, mul.time), (1, Duration::from_millis(3)));
        assert_eq!((mul.cost, row(&rows, "mul", Pass::Backward).runs), (Cost::default(), 2));
        assert_eq!(row(&profiler.by_scope(), "head", Pass::Backward).time, softmax.time);
        assert_eq!(rows.iter().map(|row| row.time).sum::<Duration>(), profiler.total());
    }

    #[test]
    fn rules_within_a_rule_leave_it_what_is_its_own() {
        // A gradient that is recorded takes the composed rule, which is a pass of its own inside the rule of softmax.
        let x = Tensor::from([1.0, 2.0]).requires_grad();
        let (_, profiler) = observe(ticking(), || {
            let slope = x.softmax(-1).sqr().sum(..).grad_graph(&[&x]).remove(0);
            slope.sqr().sum(..).grad(&[&x])
        });
        let rows = profiler.by_operation();
        // No time is counted twice: the clock is read twice for each, so that this is all that it showed.
        let readings: usize = 2 * rows.iter().map(|row| row.runs).sum::<usize>();
        assert!(profiler.total() < Duration::from_millis(readings as u64));
        assert!(row(&rows, "softmax", Pass::Rule).time > Duration::from_millis(1));
    }

    #[test]
    fn the_first_column_is_as_wide_as_its_names() {
        let (x, w) = (Tensor::ones([1, 1, 3, 3]), Tensor::ones([1, 1, 2, 2]).requires_grad());
        let (_, profiler) = observe(ticking(), || {
            x.conv2d(&w, None, &Default::default()).sum(..).grad(&[&w])
        });
        let text = profiler.to_string();
        let lines: Vec<&str> = text.split("\n\n").next().unwrap().lines().collect();
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("conv2d_weight_gradient backward ")),
            "{text}"
        );
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() == lines[0].chars().count()),
            "{text}"
        );
    }

    #[test]
    fn the_tables_have_totals_and_shares() {
        let (_, profiler) = observe(ticking(), || apply(Both, &[&Tensor::from([2.0, 3.0])]));
        let table = "\
operation            pass       runs         ms  share      MFLOP        MB  GFLOP/s    GB/s
both                 forward       1      3.000  60.0%      0.000     0.000     0.00    0.00
add                  forward       1      1.000  20.0%      0.000     0.000     0.00    0.00
sqr                  forward       1      1.000  20.0%      0.000     0.000     0.00    0.00
all                                3      5.000 100.0%      0.000     0.000     0.00    0.00

scope                pass       runs         ms  share      MFLOP        MB  GFLOP/s    GB/s
(none)               forward       3      5.000 100.0%      0.000     0.000     0.00    0.00
all                                3      5.000 100.0%      0.000     0.000     0.00    0.00
";
        assert_eq!(profiler.to_string(), table);
    }
}
