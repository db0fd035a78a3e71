//! y = f(a, b, …), element by element.

use crate::draw;
use criterion::{Criterion, Throughput};
use tensor_core::kernels::{Lanes, Operand, elementwise};

/// A lane function by its generic name: on the concrete type the method of `wide` would be called.
macro_rules! function {
    ($group:expr, $x:expr, $y:expr, $name:ident) => {
        $group.bench_function(stringify!($name), |bencher| {
            bencher.iter(|| elementwise::map(&$x, &mut $y, |x| Lanes::$name(x)));
        });
    };
}

/// In the fastest caches, and far beyond them.
const SIZES: [usize; 2] = [4096, 1 << 20];

pub(crate) fn functions(criterion: &mut Criterion) {
    for n in SIZES {
        let (x, mut y) = (draw(n), vec![0.0f32; n]);
        let mut group = criterion.benchmark_group(format!("elementwise/{n}"));
        group.throughput(Throughput::Elements(n as u64));
        function!(group, x, y, exp);
        function!(group, x, y, ln);
        function!(group, x, y, tanh);
        function!(group, x, y, sigmoid);
        function!(group, x, y, softplus);
        function!(group, x, y, sqrt);
        function!(group, x, y, erf);
        group.bench_function("add_assign", |bencher| {
            bencher.iter(|| elementwise::add_assign(&mut y, &x));
        });
        group.finish();
    }
}

/// x + b, where b is as large as x, or one of the shapes that are repeated over a matrix.
pub(crate) fn repeated_operands(criterion: &mut Criterion) {
    for n in SIZES {
        let (x, mut y) = (draw(n), vec![0.0f32; n]);
        let width = n.isqrt();
        let line = draw(width);
        let mut group = criterion.benchmark_group(format!("add/{n}"));
        group.throughput(Throughput::Elements(n as u64));
        for (name, b) in [
            ("full", Operand::Full(&x)),
            ("scalar", Operand::Scalar(0.5)),
            ("row", Operand::Row(&line)),
            ("column", Operand::Column(&line, width)),
        ] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| elementwise::zip(Operand::Full(&x), b, &mut y, |a, b| a + b));
            });
        }
        group.finish();
    }
}
