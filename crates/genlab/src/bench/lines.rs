//! Numbers that begin with a line of the caches.

use std::ops::{Deref, DerefMut};

/// Numbers in a line of 64 bytes.
const LINE: usize = 64 / size_of::<f32>();

/// Numbers of which the first begins a line, as it does in every tensor. In a `Vec` it may begin anywhere, and where a vector of 64 bytes lies in two lines, to
/// load or store it takes twice as long: the first cache then seems half as fast.
pub(super) struct Lines {
    numbers: Vec<f32>,
    start: usize,
    len: usize,
}

impl Lines {
    /// So many times this number.
    pub(super) fn of(number: f32, len: usize) -> Self {
        let numbers = vec![number; len + LINE - 1];
        // A distance in numbers, since the address of a number is a multiple of its size.
        let start = numbers.as_ptr().addr().wrapping_neg() % 64 / size_of::<f32>();
        Self { numbers, start, len }
    }
}

impl Deref for Lines {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len]
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_begins_a_line() {
        // Beside others that move what comes next.
        let others: Vec<Vec<u8>> = (0..8).map(|len| vec![0; 8 * len]).collect();
        for len in [0, 1, 15, 16, 17, 5000, 100_000] {
            let mut lines = Lines::of(0.5, len);
            assert!(lines.len() == len && lines.as_ptr().addr().is_multiple_of(64));
            lines.fill(2.0);
            assert_eq!(lines.iter().sum::<f32>(), 2.0 * len as f32);
        }
        drop(others);
    }
}
