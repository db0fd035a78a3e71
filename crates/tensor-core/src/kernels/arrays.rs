//! Short arrays, number by number.

/// `[f(0), f(1), …]`, with at least one number. [`std::array::from_fn`] and `map` give the same, but take the compiler some 300 lines for each use
/// where this takes 30: kernels that are compiled for many functions made the engine's build a third longer by them.
#[inline(always)]
pub(super) fn array_of<A: Copy, const N: usize>(mut f: impl FnMut(usize) -> A) -> [A; N] {
    let mut array = [f(0); N];
    for (k, number) in array.iter_mut().enumerate().skip(1) {
        *number = f(k);
    }
    array
}
