//! Pooling and upsampling.

use super::{assert_refused, zeros};
use tensor_core::ops::{Pool1dOptions, Pool2dOptions};

#[test]
fn every_mistake_is_explained() {
    let x = zeros([2, 3, 8, 6]);
    assert_refused(
        zeros([3, 8, 6]).try_max_pool2d(&Pool2dOptions::new(2)),
        "max_pool2d: needs an input [batch, channels, height, width], got [3, 8, 6]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 3, 8, 6]",
    );
    assert_refused(
        x.try_max_pool2d(&Pool2dOptions::new([2, 7]).stride(2)),
        "max_pool2d: a kernel of width 7 is larger than the input [2, 3, 8, 6] of width 6 with padding 0 and 0",
    );
    assert_refused(
        x.try_max_pool2d(&Pool2dOptions::new(3).stride(2).padding(2)),
        "max_pool2d: padding 2 of the input [2, 3, 8, 6] is more than half of the kernel, which is 3\n  hint: a window would see nothing but padding",
    );
    assert_refused(
        x.try_max_pool2d(&Pool2dOptions::new([2, 0]).stride(2)),
        "max_pool2d: kernel is 0 for the input [2, 3, 8, 6], it is at least 1",
    );
    assert_refused(
        x.try_avg_pool2d(&Pool2dOptions::new(2).stride(0)),
        "avg_pool2d: stride is 0 for the input [2, 3, 8, 6], it is at least 1",
    );
    assert_refused(
        zeros([1, 1, 0]).try_max_pool1d(&Pool1dOptions::new(2).stride(1).padding(1)),
        "max_pool1d: the input [1, 1, 0] has no places: a window would see nothing but padding",
    );
    for kernel in [[1 << 40, 1 << 40], [usize::MAX, 1]] {
        assert!(
            x.try_avg_pool2d(&Pool2dOptions::new(kernel).stride(1)).is_err(),
            "larger than the image"
        );
    }
    let uncountable = "the window over the input [2, 3, 8, 6] has more places than can be counted";
    assert_refused(
        x.try_avg_pool2d(&Pool2dOptions::new(usize::MAX).stride(1).padding(usize::MAX / 2)),
        &format!("avg_pool2d: with these options, {uncountable}"),
    );
    assert_refused(
        x.try_upsample_nearest2d(usize::MAX / 4),
        &format!("upsample_nearest2d: with these options, {uncountable}"),
    );
    assert_refused(
        x.try_max_pool1d(&Pool1dOptions::new(2)),
        "max_pool1d: needs an input [batch, channels, length], got [2, 3, 8, 6]",
    );
    assert_refused(
        zeros([2, 3, 4]).try_avg_pool1d(&Pool1dOptions::new(5).stride(1)),
        "avg_pool1d: a kernel of length 5 is larger than the input [2, 3, 4] of length 4 with padding 0 and 0",
    );
    assert_refused(
        x.try_avg_pool1d(&Pool1dOptions::new(2)),
        "avg_pool1d: needs an input [batch, channels, length], got [2, 3, 8, 6]",
    );
    assert_refused(
        zeros([3, 8, 6]).try_upsample_nearest2d(2),
        "upsample_nearest2d: needs an input [batch, channels, height, width], got [3, 8, 6]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 3, 8, 6]",
    );
    assert_refused(
        x.try_upsample_nearest2d([2, 0]),
        "upsample_nearest2d: the scale is 0 for the input [2, 3, 8, 6], it is at least 1",
    );
    assert_refused(
        zeros([8, 6]).try_upsample_nearest1d(2),
        "upsample_nearest1d: needs an input [batch, channels, length], got [8, 6]\n  \
         hint: the batch dimension is missing: unsqueeze(0) gives [1, 8, 6]",
    );
}
