//! The columns of B that a thread has packed last: it keeps them while its pieces of C lie below each other.

use super::super::simd::Float;
use super::operand::Matrix;
use super::prepacked::Prepacked;
use std::ops::Range;

/// Some columns of B in panels, with all steps of K; none at first.
#[derive(Default)]
pub(super) struct Strip(Option<(Range<usize>, Prepacked)>);

impl Strip {
    /// These columns of B, which has `k` rows. They are packed unless they were the last ones. (A strip is one product's: B and `k` are the same each time.)
    pub(super) fn of<T: Float>(&mut self, b: Matrix<'_, T>, k: usize, columns: Range<usize>) -> &Prepacked {
        // What is not wanted any more is dropped first: the next one takes its memory.
        let kept = self.0.take().filter(|(kept, _)| *kept == columns);
        let pack = || {
            let panels = Prepacked::on_this_thread(b.from(0, columns.start), k, columns.len());
            (columns, panels)
        };
        &self.0.insert(kept.unwrap_or_else(pack)).1
    }
}
