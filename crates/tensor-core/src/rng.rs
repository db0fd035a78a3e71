//! Random numbers without anything hidden: a generator is a value that says what it is for.
//!
//! A program makes one generator from its seed and derives one for each use by name and number; what one use draws
//! can then never change what another one sees:
//!
//! ```
//! use tensor_core::rng::Random;
//!
//! let root = Random::new(42);
//! let mut noise = root.stream("noise").at(7);        // the noise of step 7, whatever was drawn in steps 0 to 6
//! let mut order = root.stream("order").at(0);        // the order of epoch 0
//! let mut eps = [0.0; 3];
//! noise.fill_normal(&mut eps);
//! assert_eq!(order.permutation(4).len(), 4);
//! ```
//!
//! The bits are the same on every build and CPU and for any number of threads; a change to them is a breaking change.

use crate::kernels::random::{self, BLOCK, Key};
use rand_core::{Infallible, TryRng};

/// A counter-based generator: Philox4x32-10 under a key that is hashed from a seed and a path of names and numbers.
///
/// Its whole state is that path and a position, so it can be saved and continued. It implements rand_core's
/// [`Rng`](rand_core::Rng), so that `rand` and `rand_distr` draw from it. Not for secrets.
///
/// ```
/// use tensor_core::Random;
/// let root = Random::new(42);
/// let (mut a, mut b) = (root.stream("noise").at(7), root.stream("noise").at(7));
/// assert_eq!(a.next_u64(), b.next_u64()); // the same path, the same numbers
/// assert_ne!(a.next_u64(), root.stream("noise").at(8).next_u64());
/// let position = a.position();
/// let next = a.next_f64();
/// a.seek(position);
/// assert_eq!(a.next_f64(), next); // continued from a saved position
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    key: Key,
    /// How many 32-bit words have been drawn.
    position: u64,
    /// The block that holds the word at `position`, where that is not the block's first word.
    block: [u32; BLOCK],
}

/// Which kind of step on the path a hash took in: a name and a number never give the same generator.
enum Step {
    Seed,
    Name,
    Index,
}

impl Random {
    /// The root generator of a seed.
    pub fn new(seed: u64) -> Random {
        Random::from_key(derive(
            Key {
                key: [0; 2],
                nonce: [0; 2],
            },
            Step::Seed,
            &seed.to_le_bytes(),
        ))
    }

    /// The generator for one use, at its start. Independent of this one, whose position does not matter or change.
    pub fn stream(&self, name: &str) -> Random {
        Random::from_key(derive(self.key, Step::Name, name.as_bytes()))
    }

    /// The generator for one epoch, step, rank or sample, at its start. Independent of this one and of its position.
    pub fn at(&self, index: u64) -> Random {
        Random::from_key(derive(self.key, Step::Index, &index.to_le_bytes()))
    }

    fn from_key(key: Key) -> Random {
        Random {
            key,
            position: 0,
            block: [0; BLOCK],
        }
    }

    /// How many 32-bit words have been drawn or skipped.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes to a position that [`position`](Random::position) gave.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
        self.block = random::block(self.key, position / BLOCK as u64);
    }

    /// A random word.
    pub fn next_u32(&mut self) -> u32 {
        let word = (self.position % BLOCK as u64) as usize;
        if word == 0 {
            self.block = random::block(self.key, self.position / BLOCK as u64);
        }
        self.position = self.position.wrapping_add(1);
        self.block[word]
    }

    /// Two random words, the first one in the lower half.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// A number uniform in [0, 1), a multiple of 2^-24.
    pub fn next_f32(&mut self) -> f32 {
        random::unit(self.next_u32())
    }

    /// A number uniform in [0, 1), a multiple of 2^-53.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number from N(0, 1). For many of them [`fill_normal`](Random::fill_normal) is far faster.
    pub fn next_normal(&mut self) -> f32 {
        let (u, v) = (self.next_u32(), self.next_u32());
        random::normal_pair(u, v)[0]
    }

    /// A number below `bound`, each one exactly as likely as any other.
    ///
    /// The upper half of `word * bound` is almost right; Lemire (2019) throws away the few words that would make some
    /// results more likely. Panics if `bound` is 0.
    #[track_caller]
    pub fn uniform_u32(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "uniform_u32: there is no number below 0");
        let surplus = bound.wrapping_neg() % bound; // 2^32 mod bound
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= surplus {
                return (product >> 32) as u32;
            }
        }
    }

    /// The numbers 0 to `n` - 1 in random order, by Fisher and Yates' shuffle. Panics if `n` is above 2^32 - 1.
    #[track_caller]
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let n = u32::try_from(n).unwrap_or_else(|_| panic!("permutation: {n} elements, at most {} fit", u32::MAX));
        let mut order: Vec<u32> = (0..n).collect();
        for last in (1..n).rev() {
            order.swap(last as usize, self.uniform_u32(last + 1) as usize);
        }
        order
    }

    /// Fills `out` with numbers uniform in [0, 1), multiples of 2^-24.
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        let first = self.take_blocks(out.len());
        random::uniform(self.key, first, out);
    }

    /// Fills `out` with numbers from N(0, 1).
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        let first = self.take_blocks(out.len());
        random::normal(self.key, first, out);
    }

    /// Moves past as many whole blocks as `words` need, from the next whole block on, and returns the first.
    fn take_blocks(&mut self, words: usize) -> u64 {
        let first = self.position.div_ceil(BLOCK as u64);
        self.position = first
            .wrapping_add(words.div_ceil(BLOCK) as u64)
            .wrapping_mul(BLOCK as u64);
        first
    }
}

/// The key of a generator one step down the path: a hash of the parent's key and of the step.
///
/// The 128 bits of the key are enciphered under each eight bytes in turn and added to the result (Davies and Meyer's
/// construction); the last eight bytes say what kind of step it was and how long, so that no two paths read the same.
fn derive(parent: Key, step: Step, bytes: &[u8]) -> Key {
    let absorb = |state: [u32; 4], word: u64| -> [u32; 4] {
        let enciphered = random::philox(state, [word as u32, (word >> 32) as u32]);
        std::array::from_fn(|i| enciphered[i] ^ state[i])
    };
    let mut state = [parent.key[0], parent.key[1], parent.nonce[0], parent.nonce[1]];
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = absorb(state, u64::from_le_bytes(word));
    }
    let kind = match step {
        Step::Seed => 1,
        Step::Name => 2,
        Step::Index => 3,
    };
    let [a, b, c, d] = absorb(state, kind << 56 | bytes.len() as u64);
    Key {
        key: [a, b],
        nonce: [c, d],
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
