//! Rectangles are C, and few of them pack what others do.

use super::*;
use proptest::prelude::*;

/// Each element of C lies in one of them and no other, and none is empty.
fn check(rectangles: &Rectangles) -> Result<(), TestCaseError> {
    let [m, n] = rectangles.sizes;
    let mut times = vec![0; m * n];
    for [rows, columns] in (0..rectangles.count()).map(|i| rectangles.get(i)) {
        prop_assert!(!rows.is_empty() && !columns.is_empty());
        for i in rows {
            times[i * n..][columns.clone()].iter_mut().for_each(|times| *times += 1);
        }
    }
    prop_assert!(times.iter().all(|&times| times == 1));
    Ok(())
}

proptest! {
    #[test]
    fn together_they_are_c(m in 1..1100usize, k in 1..2000usize, n in 1..1100usize, threads in 0..20usize, unit in 1..64usize, reads_b: bool) {
        check(&Rectangles::new::<f32>([m, k, n], reads_b, threads))?;
        check(&Rectangles::new::<f64>([m, k, n], reads_b, threads))?;
        check(&Rectangles::by_columns([m, k, n], unit, threads))?;
    }

    #[test]
    fn strips_are_c_and_even(m in ROWS + 1..1100, k in 1..6000usize, n in 1..2000usize) {
        let strips = Rectangles::new::<f32>([m, k, n], false, 2);
        check(&strips)?;
        check(&Rectangles::new::<f64>([m, k, n], false, 2))?;
        prop_assert_eq!(strips.has_strips(), WIDE && wanted([m, k, n], ENOUGH, 2) > 1);
        // No strip is wider than a block of B, and no piece of one has hardly any rows.
        for [rows, columns] in (0..strips.count()).map(|i| strips.get(i)).filter(|_| strips.has_strips()) {
            prop_assert!(rows.len() >= FEWEST_ROWS - TILE.rows && columns.len() <= BLOCK, "{rows:?} x {columns:?}");
        }
    }
}

/// Columns of a block of B in single precision.
const BLOCK: usize = TILE.block * <f32 as Float>::Lanes::WIDTH;

#[test]
fn a_strip_has_so_many_bytes_at_most() {
    let most = STRIP / (4 * BLOCK);
    for (k, n, fits) in [
        (most, 3 * BLOCK, true),
        (most + 1, 3 * BLOCK, false),
        (STRIP / 400, 100, true),
    ] {
        let strips = Rectangles::new::<f32>([1000, k, n], false, 2);
        assert_eq!(strips.has_strips(), WIDE && fits, "{k} x {n}");
    }
}

#[test]
fn how_many() {
    let count = |sizes, threads| Rectangles::new::<f32>(sizes, false, threads).count();
    assert_eq!(count([1000, 1000, 1000], 1), 1, "one thread packs nothing twice");
    assert_eq!(
        count([1, 64, 6272], 2),
        4,
        "it is read by both, although it is few multiplications"
    );
    assert!(
        is_whole::<f32>([1, 64, 6272]) && is_whole::<f32>([64, 64, 64]),
        "but not in a batch"
    );
    assert!(!is_whole::<f32>([400, 400, 400]));
    assert_eq!(count([64, 64, 64], 16), 1, "too little work");
    assert!(count([1000, 1000, 1000], 2) >= 16);
    assert!(count([1000, 1000, 1000], 16) >= 64);
}

#[test]
fn where_a_few_rows_read_a_small_b_no_piece_packs_it_or_threads_keep_it() {
    for threads in [2, 3, 16] {
        for m in [128, 129, 200, 256, 300, 1000, 1024, 1025, 4096] {
            for [k, n] in [[64, 64], [128, 128], [200, 200], [256, 256]] {
                let sizes = [m, k, n];
                let rectangles = Rectangles::new::<f32>(sizes, true, threads);
                let rows = (0..rectangles.count()).map(|i| rectangles.get(i)[0].len());
                // There are not more pieces than are enough, so with more rows they would not be few.
                let has_many = m > TALL * wanted(sizes, ENOUGH, threads);
                assert!(
                    has_many || rows.max() <= Some(FEW_ROWS),
                    "{sizes:?} on {threads} threads"
                );
                assert_eq!(rectangles.has_strips(), WIDE && has_many && threads == 2 && m > ROWS);
            }
        }
    }
}

#[test]
fn two_threads_pack_hardly_a_strip_twice() {
    let rectangles = Rectangles::new::<f32>([1000, 500, 1000], false, 2);
    assert_eq!(rectangles.has_strips(), WIDE);
    let (count, strips) = (rectangles.count(), rectangles.parts[1]);
    // One thread takes tasks from the front and the other from the back, wherever they meet.
    for meeting in 0..=count {
        let packs = |tasks: Range<usize>| {
            let columns: Vec<_> = tasks.map(|i| rectangles.get(i)[1].clone()).collect();
            columns.chunk_by(|a, b| a == b).count()
        };
        let packed = packs(0..meeting) + packs(meeting..count);
        assert!(!WIDE || (strips..=strips + 1).contains(&packed), "{packed} of {strips}");
    }
}

#[test]
fn more_than_two_threads_have_no_strips() {
    assert!(!Rectangles::new::<f32>([1000, 500, 1000], false, 3).has_strips());
}

#[test]
fn where_there_are_few_those_taken_last_are_small() {
    let columns = 8 * TWO_TILES * <f32 as Float>::Lanes::WIDTH;
    let rectangles = Rectangles::new::<f32>([100, 4000, columns], false, 2);
    let size = |i| rectangles.get(i).map(|range| range.len()).iter().product::<usize>();
    let count = rectangles.count();
    assert!(count < 16 && size(count / 2) < size(0) && size(count / 2) < size(count - 1));
    assert_eq!(taken_last(8, 2), 2..6);
    assert_eq!(taken_last(64, 16), 0..32);
    assert_eq!(taken_last(3, 2), 0..0);
}
