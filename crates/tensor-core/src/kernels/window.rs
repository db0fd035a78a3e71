//! A window that slides along an axis: what convolution and pooling have in common.

use std::ops::Range;

/// One axis of a sliding window. Position u of the output sees the input's places `u · stride + i · dilation - padding` for each i below
/// `kernel`. Places outside the input are padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Places of the input.
    pub input: usize,
    /// Positions of the window, each a place of the output.
    pub output: usize,
    /// Places that the window sees.
    pub kernel: usize,
    /// From one position to the next.
    pub stride: usize,
    /// From one place that the window sees to the next.
    pub dilation: usize,
    /// Places before the first of the input.
    pub padding: usize,
}

impl Axis {
    /// A dimension that is not there: one place, seen once.
    pub const ABSENT: Axis = Axis {
        input: 1,
        output: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        padding: 0,
    };

    /// The input's places that a window without dilation sees at position `u`.
    pub(super) fn places(&self, u: usize) -> Range<usize> {
        let (start, padding) = (u * self.stride, self.padding);
        let end = (start + self.kernel).saturating_sub(padding).min(self.input);
        start.saturating_sub(padding).min(end)..end
    }
}

/// The positions u below `count` at which `u · step + offset` lies in `0 .. places`.
pub(super) fn positions_inside(count: usize, step: usize, offset: isize, places: usize) -> Range<usize> {
    let first_from = |bound: isize| bound.max(0).unsigned_abs().div_ceil(step).min(count);
    let start = first_from(-offset);
    start..first_from(places as isize - offset).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_inside_are_those_of_the_definition(
            count in 0usize..9, step in 1usize..4, offset in -12isize..12, places in 0usize..9,
        ) {
            let inside = positions_inside(count, step, offset, places);
            for u in 0..count {
                let place = (u * step) as isize + offset;
                prop_assert_eq!(inside.contains(&u), (0..places as isize).contains(&place));
            }
        }

        #[test]
        fn places_are_those_of_the_definition(
            input in 0usize..9, kernel in 1usize..5, stride in 1usize..4, padding in 0usize..4, u in 0usize..6,
        ) {
            let axis = Axis { input, kernel, stride, padding, ..Axis::ABSENT };
            let places = axis.places(u);
            for i in 0..kernel {
                let seen = (u * stride + i).checked_sub(padding).filter(|&place| place < input);
                prop_assert!(seen.is_none_or(|place| places.contains(&place)));
            }
            prop_assert!(places.len() <= kernel && places.end <= input);
            prop_assert!(places.clone().all(|place| (u * stride..u * stride + kernel).contains(&(place + padding))));
        }
    }
}
