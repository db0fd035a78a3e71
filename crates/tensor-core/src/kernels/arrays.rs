//! Short arrays: made number by number, or placed at the beginning of a line of the caches.

/// `[f(0), f(1), …]`, with at least one number. [`std::array::from_fn`] and `map` give the same, but each use of them is some 300 lines of LLVM's
/// code, where this is 90. They made up a fourth of all that the compiler had to optimise in the engine, and an eighth of the time that it took.
#[inline(always)]
pub(super) fn array_of<A: Copy, const N: usize>(mut f: impl FnMut(usize) -> A) -> [A; N] {
    let mut array = [f(0); N];
    for (k, number) in array.iter_mut().enumerate().skip(1) {
        *number = f(k);
    }
    array
}

/// An array that begins with a line of the caches. A vector of 512 bits is as long as a line: where it lies in two of them, to load or to store it takes twice as
/// long. (As the stack happened to lie, x + b with one b for a row or a channel took 3 to 55 % longer, and a product with edges 4 %.)
#[repr(align(64))]
pub(super) struct Lines<T, const N: usize>(pub(super) [T; N]);
