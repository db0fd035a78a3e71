//! Sums of products by Einstein's convention.

use super::array::Array;
use super::row::Row;
use proptest::prelude::*;
use tensor_core::{DType, Random, Tensor};

/// The definition: for each index of the output, the sum over all values of the others of the product of the operands' elements.
fn naive(operands: &[&str], output: &str, x: &[Array]) -> Array {
    let mut letters: Vec<char> = output.chars().collect();
    let inner = operands
        .concat()
        .chars()
        .filter(|c| !output.contains(*c))
        .collect::<std::collections::BTreeSet<_>>();
    letters.extend(inner);
    let size = |letter: &char| {
        let sizes = operands
            .iter()
            .zip(x)
            .filter_map(|(operand, x)| operand.find(*letter).map(|dim| x.size(dim)));
        sizes.reduce(|a, b| if a == 1 { b } else { a }).unwrap()
    };
    let sizes: Vec<usize> = letters.iter().map(size).collect();
    let products = Array::from_fn(&sizes, |index| {
        let element = |(operand, x): (&&str, &Array)| {
            let place = operand
                .chars()
                .map(|letter| letters.iter().position(|other| *other == letter).unwrap());
            x.at(&place.map(|place| index[place]).collect::<Vec<_>>())
        };
        operands.iter().zip(x).map(element).product()
    });
    let summed: Vec<usize> = (output.len()..letters.len()).collect();
    products.reduce(&summed, false, |terms| terms.iter().sum())
}

fn row(text: &'static str, operands: &'static [&'static str], output: &'static str) -> Row {
    Row::new(
        text,
        move |x| Tensor::einsum(text, &x.iter().collect::<Vec<_>>()),
        move |x| naive(operands, output, x),
    )
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("ij->ji", &["ij"], "ji")
            .on(&[&[2, 3]])
            .on(&[&[0, 3]])
            .at_scale(&[&[300, 400]])
            .a_view(),
        row("ijk->j", &["ijk"], "j")
            .on(&[&[2, 3, 4]])
            .on(&[&[2, 3, 0]])
            .at_scale(&[&[30, 40, 100]]),
        row("ba", &["ba"], "ab")
            .on(&[&[2, 3]])
            .on(&[&[0, 3]])
            .at_scale(&[&[300, 400]])
            .a_view(),
        row("ij, jk", &["ij", "jk"], "ik")
            .on(&[&[2, 3], &[3, 4]])
            .on(&[&[2, 1], &[3, 4]])
            .on(&[&[2, 0], &[0, 4]])
            .at_scale(&[&[200, 300], &[300, 250]]),
        row("bij,bjk->bik", &["bij", "bjk"], "bik")
            .on(&[&[2, 3, 4], &[2, 4, 2]])
            .on(&[&[1, 3, 4], &[2, 4, 2]])
            .on(&[&[0, 3, 4], &[0, 4, 2]])
            .at_scale(&[&[30, 40, 50], &[30, 50, 60]]),
        row("i,i->", &["i", "i"], "")
            .on(&[&[5], &[5]])
            .on(&[&[5], &[1]])
            .on(&[&[0], &[0]])
            .at_scale(&[&[200_000], &[200_000]]),
        row("i,j->ij", &["i", "j"], "ij")
            .on(&[&[3], &[4]])
            .on(&[&[0], &[4]])
            .at_scale(&[&[300], &[400]]),
        row("ij,ij->ij", &["ij", "ij"], "ij")
            .on(&[&[3, 4], &[3, 4]])
            .on(&[&[0, 4], &[0, 4]])
            .at_scale(&[&[300, 400], &[300, 400]]),
        row("ij,kj->k", &["ij", "kj"], "k")
            .on(&[&[3, 4], &[2, 4]])
            .on(&[&[0, 4], &[2, 4]])
            .at_scale(&[&[300, 400], &[200, 400]]),
        row("bhqd,bhkd->bhqk", &["bhqd", "bhkd"], "bhqk")
            .on(&[&[2, 2, 3, 2], &[2, 2, 2, 2]])
            .on(&[&[2, 0, 3, 2], &[2, 0, 2, 2]])
            .at_scale(&[&[4, 5, 60, 40], &[4, 5, 50, 40]]),
        row("i,ij,j->", &["i", "ij", "j"], "")
            .on(&[&[3], &[3, 4], &[4]])
            .on(&[&[0], &[0, 4], &[4]])
            .at_scale(&[&[300], &[300, 400], &[400]]),
        row("ia,ja,ka->ijk", &["ia", "ja", "ka"], "ijk")
            .on(&[&[2, 3], &[3, 3], &[2, 3]])
            .on(&[&[2, 3], &[0, 3], &[2, 3]])
            .at_scale(&[&[30, 40], &[20, 40], &[50, 40]]),
    ]
}

proptest! {
    #[test]
    fn any_subscripts(
        operands in prop::collection::vec(prop::sample::subsequence(vec!['a', 'b', 'c', 'd'], 0..=4).prop_shuffle(), 1..4),
        kept in prop::sample::subsequence(vec!['a', 'b', 'c', 'd'], 0..=4).prop_shuffle(),
        sizes in prop::array::uniform4(0usize..4),
        ones in prop::array::uniform3(0u8..16),
    ) {
        let terms: Vec<String> = operands.iter().map(|letters| letters.iter().collect()).collect();
        let output: String = kept.into_iter().filter(|c| terms.concat().contains(*c)).collect();
        let shape = |(term, ones): (&String, u8)| -> Vec<usize> {
            let number = |c: char| c as usize - 'a' as usize;
            term.chars().map(|c| if ones >> number(c) & 1 == 1 { 1 } else { sizes[number(c)] }).collect()
        };
        let random = Random::new(3);
        let draw = |(i, shape): (usize, Vec<usize>)| random.at(i as u64).normal(shape.as_slice(), DType::F64);
        let x: Vec<Tensor> = terms.iter().zip(ones).map(shape).enumerate().map(draw).collect();
        let text = format!("{} -> {output}", terms.join(", "));
        let found = super::array(&Tensor::einsum(&text, &x.iter().collect::<Vec<_>>()));
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        let wanted = naive(&terms, &output, &x.iter().map(super::array).collect::<Vec<_>>());
        super::assert_close(&text, &found, &wanted, 1e-12);
    }
}
