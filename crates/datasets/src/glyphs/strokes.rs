//! The ways in which people write the digits: the points that the pen runs through.

/// One stroke: points (x, y) in hundredths of the digit's height, y downwards. A smooth curve runs through them; a
/// point that stands twice is a corner.
pub(super) type Stroke = &'static [(i8, i8)];

/// One way to write a digit.
pub(super) struct Variant {
    /// How many of a hundred writers write it so.
    pub(super) share: u32,
    /// The strokes, in the order of writing.
    pub(super) strokes: &'static [Stroke],
}

const fn way(share: u32, strokes: &'static [Stroke]) -> Variant {
    Variant { share, strokes }
}

/// The ways to write each digit; the shares of a digit add up to 100.
#[rustfmt::skip]
pub(super) const DIGITS: [&[Variant]; 10] = [
    // 0
    &[
        // Begun at the top and closed there.
        way(45, &[
            &[(42, 2), (20, 10), (6, 36), (6, 68), (24, 96), (48, 94), (66, 66), (66, 34), (52, 8), (36, 3)],
        ]),
        // Wider, the end crosses the beginning.
        way(30, &[
            &[(58, 12), (40, 1), (16, 14), (2, 46), (10, 82), (36, 100), (62, 84), (74, 50), (64, 18), (46, 4),
              (34, 8)],
        ]),
        // Narrow, begun at the upper right.
        way(25, &[
            &[(50, 6), (32, 4), (14, 30), (8, 62), (18, 94), (36, 96), (54, 66), (60, 34), (52, 8), (40, 2)],
        ]),
    ],
    // 1
    &[
        // A line.
        way(72, &[
            &[(36, 0), (35, 50), (33, 100)],
        ]),
        // With a flag.
        way(17, &[
            &[(16, 20), (28, 11), (38, 0), (38, 0), (37, 50), (36, 100)],
        ]),
        // With a flag and a foot.
        way(11, &[
            &[(14, 20), (26, 11), (37, 0), (37, 0), (36, 50), (36, 98)],
            &[(10, 99), (36, 98), (64, 97)],
        ]),
    ],
    // 2
    &[
        // A corner below.
        way(40, &[
            &[(4, 24), (14, 7), (36, 0), (57, 10), (60, 32), (44, 60), (22, 82), (3, 97), (3, 97), (34, 95),
              (70, 96)],
        ]),
        // A loop below.
        way(40, &[
            &[(6, 20), (22, 3), (46, 3), (58, 22), (50, 50), (32, 78), (14, 95), (2, 90), (8, 78), (26, 80),
              (46, 94), (62, 98), (76, 90)],
        ]),
        // A swan: round at the top, a small wave below.
        way(20, &[
            &[(2, 32), (10, 10), (32, 0), (54, 8), (60, 30), (48, 56), (28, 78), (8, 94), (8, 94), (26, 88),
              (48, 97), (72, 92)],
        ]),
    ],
    // 3
    &[
        // Two bows with a corner between.
        way(50, &[
            &[(6, 12), (26, 0), (50, 4), (56, 22), (44, 40), (24, 47), (24, 47), (50, 53), (62, 72), (50, 94),
              (24, 100), (2, 90)],
        ]),
        // A small loop between.
        way(28, &[
            &[(8, 14), (28, 1), (50, 6), (54, 24), (40, 42), (24, 50), (20, 45), (30, 44), (52, 54), (60, 76),
              (44, 96), (20, 100), (0, 88)],
        ]),
        // Wide bows, the pen hardly comes back.
        way(22, &[
            &[(4, 8), (30, 0), (54, 10), (52, 32), (34, 46), (34, 46), (56, 56), (60, 80), (38, 98), (4, 96)],
        ]),
    ],
    // 4
    &[
        // Open, two strokes.
        way(42, &[
            &[(10, 4), (6, 26), (4, 48), (4, 48), (26, 53), (64, 48)],
            &[(58, 2), (54, 50), (49, 100)],
        ]),
        // Open and round, one stroke.
        way(33, &[
            &[(12, 6), (4, 32), (10, 50), (30, 50), (50, 36), (60, 10), (60, 10), (56, 55), (50, 100)],
        ]),
        // Closed.
        way(25, &[
            &[(54, 2), (30, 26), (4, 58), (4, 58), (34, 60), (72, 56)],
            &[(54, 2), (52, 50), (50, 100)],
        ]),
    ],
    // 5
    &[
        // The bar is a stroke of its own.
        way(45, &[
            &[(20, 6), (17, 24), (14, 43), (14, 43), (34, 38), (56, 48), (60, 72), (44, 94), (20, 100),
              (0, 92)],
            &[(20, 6), (44, 4), (68, 2)],
        ]),
        // One stroke with two corners.
        way(35, &[
            &[(66, 2), (42, 4), (22, 6), (22, 6), (18, 24), (14, 42), (14, 42), (38, 36), (58, 52), (56, 80),
              (34, 98), (2, 94)],
        ]),
        // One round stroke, like an S.
        way(20, &[
            &[(68, 4), (44, 3), (24, 12), (22, 32), (40, 45), (56, 60), (54, 84), (32, 99), (4, 92)],
        ]),
    ],
    // 6
    &[
        // A bowed back.
        way(60, &[
            &[(50, 2), (30, 18), (14, 42), (6, 70), (16, 94), (36, 99), (54, 86), (54, 66), (38, 57), (20, 66),
              (10, 80)],
        ]),
        // A straight back, a small bowl.
        way(40, &[
            &[(38, 0), (24, 24), (12, 50), (6, 76), (18, 98), (42, 96), (54, 78), (46, 60), (28, 58), (10, 78)],
        ]),
    ],
    // 7
    &[
        // Plain.
        way(56, &[
            &[(2, 8), (22, 6), (42, 5), (60, 4), (60, 4), (43, 48), (30, 100)],
        ]),
        // With a bar.
        way(18, &[
            &[(2, 8), (32, 6), (62, 4), (62, 4), (43, 48), (30, 100)],
            &[(20, 52), (40, 49), (62, 46)],
        ]),
        // With a hook at the left, and a bowed leg.
        way(26, &[
            &[(2, 24), (6, 8), (6, 8), (30, 8), (52, 4), (60, 10), (50, 38), (40, 66), (36, 100)],
        ]),
    ],
    // 8
    &[
        // From the upper right, around, and back up.
        way(60, &[
            &[(54, 12), (36, 1), (16, 10), (18, 30), (38, 48), (54, 70), (46, 95), (24, 98), (10, 82),
              (20, 60), (42, 42), (56, 22), (50, 6)],
        ]),
        // Crossed once, both bowls round.
        way(40, &[
            &[(46, 6), (28, 2), (12, 16), (18, 36), (38, 48), (54, 66), (52, 88), (32, 100), (12, 92),
              (10, 70), (28, 52), (46, 36), (52, 18), (42, 4)],
        ]),
    ],
    // 9
    &[
        // A straight leg.
        way(55, &[
            &[(54, 12), (36, 2), (14, 14), (8, 36), (22, 48), (42, 40), (56, 14), (56, 14), (52, 55),
              (47, 100)],
        ]),
        // A bowed leg.
        way(45, &[
            &[(56, 18), (44, 3), (22, 6), (8, 28), (16, 46), (36, 46), (52, 30), (58, 14), (58, 40), (50, 70),
              (34, 100)],
        ]),
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_each_digit_add_up() {
        for (digit, variants) in DIGITS.iter().enumerate() {
            assert_eq!(variants.iter().map(|v| v.share).sum::<u32>(), 100, "{digit}");
            assert!(variants.iter().flat_map(|v| v.strokes).all(|s| s.len() >= 3), "{digit}");
        }
    }
}
