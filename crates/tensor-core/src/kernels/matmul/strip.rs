//! The columns of B that a thread has packed last: it keeps them while its pieces of C lie below each other. (Where A is packed in B's place, it is all of Aᵀ.)

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

#[cfg(test)]
mod tests {
    use super::super::store::Store;
    use super::*;

    /// A product with these panels.
    fn product(panels: &Prepacked) -> [f32; 20] {
        let mut c = [0.0; 20];
        panels.product(1, Matrix::of_rows(&[1.0, -2.0, 3.0], 3), &mut c, Store::new(false));
        c
    }

    #[test]
    fn it_is_packed_again_only_for_other_columns() {
        let numbers = [1.0f32, 2.0].map(|first| (0..120).map(|i| first + i as f32).collect::<Vec<_>>());
        // The other matrix tells what was packed when.
        let [b, other] = numbers.each_ref().map(|numbers| Matrix::of_rows(numbers, 40));
        let packed = |b: Matrix<'_, f32>, start| product(&Prepacked::on_this_thread(b.from(0, start), 3, 20));
        let mut strip = Strip::default();
        assert_eq!(product(strip.of(b, 3, 0..20)), packed(b, 0));
        assert_eq!(
            product(strip.of(other, 3, 0..20)),
            packed(b, 0),
            "the panels that it has"
        );
        assert_eq!(product(strip.of(other, 3, 20..40)), packed(other, 20));
        assert_eq!(product(strip.of(b, 3, 0..20)), packed(b, 0));
    }
}
