//! What a batch holds, and that it depends on nothing that it should not depend on.

use super::*;

const GREY: Presentation = Presentation {
    range: Range::ZeroToOne,
    binarised: false,
};
const BINARY: Presentation = Presentation {
    range: Range::ZeroToOne,
    binarised: true,
};

/// 256 images of 4 pixels; all pixels of image k are k, and so is its label.
fn ramp() -> Split {
    let bytes = (0..=255).flat_map(|k| [k; 4]).collect();
    Split::images(bytes, 4).with_labels((0..=255).collect())
}

fn filled(batches: &Batches, epoch: u64, i: usize) -> Vec<f32> {
    let mut values = vec![7.0; 3]; // what is there before does not matter
    batches.epoch(epoch).fill(i, &mut values);
    values
}

fn shuffled(batch_size: usize, last: LastBatch, presentation: Presentation, seed: u64) -> Batches {
    Batches::shuffled(&ramp(), batch_size, last, presentation, &Random::new(seed)).unwrap()
}

#[test]
fn an_epoch_has_each_sample_once_and_another_epoch_another_order() {
    let batches = shuffled(100, LastBatch::Keep, GREY, 1);
    let order = |epoch: u64| -> Vec<u32> {
        let epoch = batches.epoch(epoch);
        (0..epoch.len()).flat_map(|i| epoch.indices(i).to_vec()).collect()
    };
    let (first, second) = (order(0), order(1));
    assert_ne!(first, second);
    for mut order in [first, second] {
        order.sort();
        assert!(order.into_iter().eq(0..256));
    }
}

#[test]
fn the_last_batch_is_kept_or_dropped() {
    let sizes = |last| -> Vec<usize> {
        let batches = shuffled(100, last, GREY, 1);
        let epoch = batches.epoch(0);
        (0..batches.per_epoch()).map(|i| epoch.indices(i).len()).collect()
    };
    assert_eq!(sizes(LastBatch::Keep), [100, 100, 56]);
    assert_eq!(sizes(LastBatch::Drop), [100, 100]);
    assert_eq!(shuffled(256, LastBatch::Drop, GREY, 1).per_epoch(), 1);
    assert_eq!(shuffled(64, LastBatch::Keep, GREY, 1).per_epoch(), 4);
}

#[test]
fn values_and_labels_belong_to_the_indices() {
    let batches = shuffled(7, LastBatch::Keep, GREY, 2);
    let epoch = batches.epoch(5);
    let values = filled(&batches, 5, 3);
    assert_eq!(epoch.labels(3).unwrap(), epoch.indices(3));
    let expected: Vec<f32> = epoch.indices(3).iter().flat_map(|&k| [k as f32 / 255.0; 4]).collect();
    assert_eq!(values, expected);
    assert!(
        Batches::in_order(&Split::images(vec![0; 8], 4), 2, GREY)
            .unwrap()
            .epoch(0)
            .labels(0)
            .is_none()
    );
}

#[test]
fn a_batch_is_a_function_of_seed_epoch_and_number() {
    let a = shuffled(32, LastBatch::Keep, BINARY, 3);
    let b = shuffled(32, LastBatch::Keep, BINARY, 3);
    filled(&a, 0, 0);
    assert_eq!(filled(&a, 4, 6), filled(&b, 4, 6));
    assert_eq!(filled(&a, 4, 6), filled(&a, 4, 6));
    let other = shuffled(32, LastBatch::Keep, BINARY, 4);
    assert_ne!(a.epoch(0).indices(0), other.epoch(0).indices(0));
    assert_ne!(filled(&a, 4, 6), filled(&other, 4, 6));
}

#[test]
fn evaluation_is_in_the_natural_order_and_does_not_depend_on_epoch_or_batch_size() {
    let all = |batch_size: usize, epoch: u64| -> Vec<f32> {
        let batches = Batches::in_order(&ramp(), batch_size, BINARY).unwrap();
        (0..batches.per_epoch())
            .flat_map(|i| filled(&batches, epoch, i))
            .collect()
    };
    assert_eq!(all(10, 0), all(256, 0));
    assert_eq!(all(10, 0), all(10, 1));
    let batches = Batches::in_order(&ramp(), 100, GREY).unwrap();
    assert!(batches.epoch(0).indices(2).iter().copied().eq(200..256));
}

#[test]
fn the_ranges_are_exact_at_their_ends() {
    for (range, low, high) in [(Range::ZeroToOne, 0.0, 1.0), (Range::MinusOneToOne, -1.0, 1.0)] {
        for binarised in [false, true] {
            let batches = Batches::in_order(&ramp(), 256, Presentation { range, binarised }).unwrap();
            let values = filled(&batches, 0, 0);
            assert_eq!(
                (values[..4].to_vec(), values[1020..].to_vec()),
                (vec![low; 4], vec![high; 4])
            );
            assert!(values.iter().all(|&v| if binarised {
                v == low || v == high
            } else {
                (low..=high).contains(&v)
            }));
        }
    }
}

#[test]
fn binarised_pixels_are_white_as_often_as_they_are_bright() {
    let batches = shuffled(256, LastBatch::Keep, BINARY, 5);
    let epochs = 2_000u16;
    let mut white = [0.0; 256];
    for e in 0..u64::from(epochs) {
        let (epoch, values) = (batches.epoch(e), filled(&batches, e, 0));
        for (&k, pixels) in epoch.indices(0).iter().zip(values.chunks(4)) {
            white[k as usize] += pixels.iter().sum::<f32>();
        }
    }
    let n = 4.0 * f32::from(epochs);
    for (k, white) in white.into_iter().enumerate() {
        let p = k as f32 / 255.0;
        assert!(
            (white - n * p).abs() <= 4.5 * (n * p * (1.0 - p)).sqrt(),
            "byte {k}: {white} of {n}"
        );
    }
}

#[test]
fn each_epoch_binarises_afresh() {
    let batches = shuffled(256, LastBatch::Keep, BINARY, 6);
    let image = |e: u64| {
        let place = batches.epoch(e).indices(0).iter().position(|&k| k == 128).unwrap();
        filled(&batches, e, 0)[4 * place..4 * place + 4].to_vec()
    };
    let images: Vec<_> = (0..20).map(image).collect();
    assert!(images.iter().any(|i| *i != images[0]));
}

#[test]
fn points_are_given_as_they_are() {
    let split = Split::points(vec![-3.0, 2.5, 0.0, 1.0], 2);
    let presentation = Presentation {
        range: Range::MinusOneToOne,
        binarised: false,
    };
    let batches = Batches::in_order(&split, 2, presentation).unwrap();
    assert_eq!(filled(&batches, 0, 0), [-3.0, 2.5, 0.0, 1.0]);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let message = |split: &Split, size, presentation| {
        let error = Batches::in_order(split, size, presentation).unwrap_err();
        format!("{error} | {}", error.hint())
    };
    assert_eq!(
        message(&ramp(), 257, GREY),
        "a batch of 257 was asked for, but the set has only 256 samples | choose at most 256"
    );
    assert_eq!(
        message(&ramp(), 0, GREY),
        "a batch size of 0 was asked for | it must be at least 1"
    );
    let points = Split::points(vec![0.0; 4], 2);
    assert!(message(&points, 1, BINARY).contains("only sets of images"));
}

#[test]
#[should_panic(expected = "batch 3 of an epoch of 3 batches")]
fn a_batch_that_is_not_there_panics() {
    shuffled(100, LastBatch::Keep, GREY, 1).epoch(0).indices(3);
}
