//! Random words, uniform and normal numbers, computed from a key and a counter.
//!
//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011) turns a key
//! and a counter into four random words: a *block*. There is no state to carry from one block to the next, so a
//! chunk of any size can be computed on any thread, and element `i` depends on the key and on `i` only.
//!
//! The results have the same bits on every CPU and for every vector width: integer arithmetic, then only addition,
//! multiplication, division and square root, each of which IEEE 754 rounds in exactly one way; no fused multiply-add,
//! no library function. The loops run over short arrays, which the compiler turns into vector
//! code; loops, since it leaves `map` and `from_fn` of arrays of this length as calls, which took a third of the time.

use super::parallel;
use std::f32::consts::{FRAC_PI_2, LN_2};
use wide::f32x4;

/// What identifies a sequence of blocks: the cipher's key and the upper half of its 128-bit counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Philox's 64-bit key.
    pub key: [u32; 2],
    /// The upper two words of the counter; the lower two count blocks.
    pub nonce: [u32; 2],
}

/// Words in one block.
pub const BLOCK: usize = 4;

/// Blocks that are computed side by side.
const LANES: usize = 16;

/// Elements that one pass over the lanes gives.
const LINE: usize = BLOCK * LANES;

/// Elements that one task computes: far more work than handing out the task. A multiple of [`LINE`].
const CHUNK: usize = 256 * LINE;

type Words = [u32; LANES];
type Floats = [f32; LANES];

/// One block of Philox4x32-10: four random words from a counter and a key.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    philox_lanes(counter.map(|word| [word]), key).map(|[word]| word)
}

/// Philox4x32-10 of `N` counters at a time; `counter[j][lane]` is word `j` of one of them.
#[inline(always)]
fn philox_lanes<const N: usize>(counter: [[u32; N]; 4], mut key: [u32; 2]) -> [[u32; N]; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    // The key moves by the golden ratio and by sqrt(3) - 1 in each round.
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    const ROUNDS: usize = 10;

    // Words sit in the lower halves of 64-bit lanes, where a vector unit multiplies them without shuffling. The upper halves may hold anything.
    const LOW: u64 = 0xFFFF_FFFF;
    let [mut c0, mut c1, mut c2, mut c3] = [[0; N]; 4];
    for i in 0..N {
        (c0[i], c1[i]) = (u64::from(counter[0][i]), u64::from(counter[1][i]));
        (c2[i], c3[i]) = (u64::from(counter[2][i]), u64::from(counter[3][i]));
    }
    for _ in 0..ROUNDS {
        let [k0, k1] = key.map(u64::from);
        for i in 0..N {
            let p0 = MULTIPLIERS[0] * (c0[i] & LOW);
            let p1 = MULTIPLIERS[1] * (c2[i] & LOW);
            c0[i] = (p1 >> 32) ^ c1[i] ^ k0;
            c1[i] = p1;
            c2[i] = (p0 >> 32) ^ c3[i] ^ k1;
            c3[i] = p0;
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    let mut words = [[0; N]; 4];
    for i in 0..N {
        for (word, c) in words.iter_mut().zip([&c0, &c1, &c2, &c3]) {
            word[i] = c[i] as u32;
        }
    }
    words
}

/// Block number `index` of the sequence `key`.
pub fn block(key: Key, index: u64) -> [u32; BLOCK] {
    philox(
        [index as u32, (index >> 32) as u32, key.nonce[0], key.nonce[1]],
        key.key,
    )
}

/// [`LANES`] consecutive blocks from number `first`: `words[j][lane]` is word `j` of block `first + lane`.
/// (Not inlined: on its own, the compiler turns it into vector code in every build.)
#[inline(never)]
fn blocks(key: Key, first: u64) -> [Words; BLOCK] {
    let (mut low, mut high) = ([0; LANES], [0; LANES]);
    for (lane, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
        let index = first.wrapping_add(lane as u64);
        [*low, *high] = [index as u32, (index >> 32) as u32];
    }
    philox_lanes([low, high, [key.nonce[0]; LANES], [key.nonce[1]; LANES]], key.key)
}

/// Fills `out` with numbers uniform in [0, 1), multiples of 2^-24, one word each, from block `first` on.
pub fn uniform(key: Key, first: u64, out: &mut [f32]) {
    fill(key, first, out, |words| {
        let mut values = [[0.0; LANES]; BLOCK];
        for lane in 0..LANES {
            for j in 0..BLOCK {
                values[j][lane] = unit(words[j][lane]);
            }
        }
        values
    });
}

/// Fills `out` with numbers from N(0, 1), one word each, from block `first` on. A block makes two pairs of words, and
/// [`normal_pair`] turns each into two independent normal numbers.
pub fn normal(key: Key, first: u64, out: &mut [f32]) {
    fill(key, first, out, |[u0, v0, u1, v1]| {
        let [a, b] = box_muller(u0, v0);
        let [c, d] = box_muller(u1, v1);
        [a, b, c, d]
    });
}

/// Runs over `out` line by line, chunk by chunk; a chunk's blocks follow from its place alone.
#[inline(always)]
fn fill(key: Key, first: u64, out: &mut [f32], convert: impl Fn([Words; BLOCK]) -> [Floats; BLOCK] + Sync) {
    parallel::for_each_chunk(out, CHUNK, |start, chunk| {
        let first = first.wrapping_add((start / BLOCK) as u64);
        for (i, line) in chunk.chunks_mut(LINE).enumerate() {
            let values = convert(blocks(key, first.wrapping_add((i * LANES) as u64)));
            match <&mut [f32; LINE]>::try_from(&mut *line) {
                Ok(line) => *line = interleave(&values),
                Err(_) => line.copy_from_slice(&interleave(&values)[..line.len()]),
            }
        }
    });
}

/// Puts the words of each block side by side: element `4 * lane + j` is `values[j][lane]`.
#[inline(always)]
fn interleave(values: &[Floats; BLOCK]) -> [f32; LINE] {
    let mut line = [0.0; LINE];
    for (i, four) in line.as_chunks_mut::<{ 4 * BLOCK }>().0.iter_mut().enumerate() {
        let [a, b, c, d] = values.each_ref().map(|values| f32x4::new(values.as_chunks().0[i]));
        for (block, y) in f32x4::transpose([a, b, c, d]).into_iter().zip(four.as_chunks_mut().0) {
            *y = block.to_array();
        }
    }
    line
}

/// A number uniform in [0, 1) from the upper 24 bits of a word: as many as an `f32` holds below 1.
#[inline(always)]
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Two independent numbers from N(0, 1), from two random words.
pub fn normal_pair(u: u32, v: u32) -> [f32; 2] {
    box_muller([u], [v]).map(|[x]| x)
}

/// Box and Muller (1958): a point of the plane with normal coordinates has the squared radius -2 ln(u), with u
/// uniform in (0, 1], and an angle that is uniform over the circle.
#[inline(always)]
fn box_muller<const N: usize>(u: [u32; N], v: [u32; N]) -> [[f32; N]; 2] {
    let mut points = [[0.0; N]; 2];
    for i in 0..N {
        // All 32 bits are used: close to 0 an f32 resolves them, and there the tails are made (up to 6.7 sigma).
        let u = (u[i] as f32 + 0.5) * (1.0 / 4_294_967_296.0);
        let radius = (-2.0 * ln(u)).sqrt();
        let (sin, cos) = sin_cos_turn(v[i]);
        (points[0][i], points[1][i]) = (radius * cos, radius * sin);
    }
    points
}

/// ln(x) for a normal number x > 0, to about 2 units in the last place.
///
/// x = 2^e m with m in [sqrt(1/2), sqrt(2)), and ln(m) = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172:
/// five terms of its series leave a relative error of 2e-9.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u32 = 0x007F_FFFF;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let e = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & MANTISSA) + SQRT_HALF);

    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    e * LN_2 + 2.0 * (s + s * series)
}

/// Sine and cosine of the angle of `word` / 2^32 turns, by their Taylor series on an eighth of a turn to each side.
#[inline(always)]
fn sin_cos_turn(word: u32) -> (f32, f32) {
    // The nearest quarter turn, and what is left of the angle: at most an eighth of a turn.
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let rest = word.wrapping_sub(quarter << 30) as i32;
    let r = rest as f32 * (FRAC_PI_2 / 1_073_741_824.0);

    let q = r * r;
    let sin = r + r * q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362_880.0))));
    let cos = 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 + q * (1.0 / 40_320.0))));

    // A quarter turn further, the sine becomes the cosine and the cosine the negative sine.
    let (s, c) = if quarter & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let sin_sign = (quarter & 2) << 30;
    let cos_sign = (quarter.wrapping_add(1) & 2) << 30;
    (
        f32::from_bits(s.to_bits() ^ sin_sign),
        f32::from_bits(c.to_bits() ^ cos_sign),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::parallel::testing::same_on_any_pool;

    /// Known answers of Random123, the authors' library (`kat_vectors`, philox4x32-10).
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn ln_sin_and_cos_are_close_to_the_real_ones() {
        for i in 1..200_000u32 {
            let word = i.wrapping_mul(0x9E37_79B9);
            let x = (word as f32 + 0.5) / 4_294_967_296.0;
            let (got, want) = (f64::from(ln(x)), f64::from(x).ln());
            assert!((got - want).abs() <= 2.5e-7 * want.abs(), "ln({x}) = {want}, got {got}");

            let angle = f64::from(word) / 4_294_967_296.0 * std::f64::consts::TAU;
            let (sin, cos) = sin_cos_turn(word);
            assert!((f64::from(sin) - angle.sin()).abs() < 1.5e-7, "sin({angle}): {sin}");
            assert!((f64::from(cos) - angle.cos()).abs() < 1.5e-7, "cos({angle}): {cos}");
        }
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(
            [0, 1, 2, 3].map(|q| sin_cos_turn(q << 30)),
            [(0.0, 1.0), (1.0, -0.0), (-0.0, -1.0), (-1.0, 0.0)]
        );
    }

    /// The lanes, the last part of a line, chunks and threads: none of them changes an element.
    #[test]
    fn an_element_is_a_function_of_key_and_index() {
        let key = Key {
            key: [1, 2],
            nonce: [3, 4],
        };
        let first = u64::from(u32::MAX) - 5; // the carry into the counter's second word happens inside
        let n = 2 * CHUNK + 77;
        let mut expected_uniform = Vec::new();
        let mut expected_normal = Vec::new();
        for i in 0..n.div_ceil(BLOCK) as u64 {
            let [a, b, c, d] = block(key, first + i);
            expected_uniform.extend([a, b, c, d].map(unit));
            expected_normal.extend([normal_pair(a, b), normal_pair(c, d)].concat());
        }
        for n in [0, 1, 5, LINE, LINE + 1, CHUNK, n] {
            let (u, z) = same_on_any_pool(|| {
                let (mut u, mut z) = (vec![9.0; n], vec![9.0; n]);
                uniform(key, first, &mut u);
                normal(key, first, &mut z);
                (u, z)
            });
            assert!(u == expected_uniform[..n] && z == expected_normal[..n], "{n} elements");
        }
    }
}
