//! Rung 6: the tile is written in vectors, with fused multiply-adds.
//!
//! The last rung left the choice of instructions to the compiler, which may not turn a product and a sum into one instruction: that rounds
//! once instead of twice. Here the same panels go to [`microkernel::tile`], which says what each register holds: it runs as fast as the
//! processor multiplies.
//!
//! What limits it: all that is not the tile. At the edges, zeros are multiplied; and the sums of each tile are stored twice, in a buffer and in C.

use super::super::simd::Lanes;
use super::microkernel::{self, Panel, TILE};
use super::operand::Matrix;
use super::packed;
use super::rung::Rung;
use wide::f32x16;

/// Rung 6.
pub(super) struct Simd;

impl Rung for Simd {
    fn name(&self) -> &'static str {
        "simd"
    }

    fn idea(&self) -> &'static str {
        "the tile in vectors, by fused multiply-adds"
    }

    fn bytes(&self) -> f64 {
        TILE.bytes()
    }

    #[inline(never)]
    fn run(&self, sizes: [usize; 3], a: Matrix<'_, f32>, b: Matrix<'_, f32>, c: &mut [f32]) {
        let tile = [TILE.rows, TILE.vectors * <f32x16 as Lanes>::WIDTH];
        packed::blocks(sizes, a, b, c, tile, |k, a, b, c, accumulate| {
            let panel = Panel {
                data: b.data,
                stride: b.row_stride,
            };
            microkernel::tile::<f32, { TILE.rows }, { TILE.vectors }, false>(k, a, panel, c, accumulate);
        });
    }
}
