//! A product to be measured: its sizes as a user writes them, and its operands.

use super::lines::Lines;
use std::fmt;
use std::str::FromStr;
use tensor_core::Random;
use tensor_core::kernels::matmul::{self, Matrix, Rung};

/// The largest size: three such matrices take 768 MiB.
const LARGEST: usize = 8192;

/// The sizes of a product, written `N` or `MxKxN`, and which of A and B are transposed views: `nn`, `nt`, `tn` or `tt` behind the sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// A is m x k, B is k x n.
    pub(super) sizes: [usize; 3],
    pub(super) transposed: [bool; 2],
}

impl Size {
    /// Floating-point operations of the product.
    pub(super) fn operations(&self) -> f64 {
        2.0 * self.sizes.iter().product::<usize>() as f64
    }

    /// Its side, if all matrices are square and lie in rows.
    pub(super) fn side(&self) -> Option<usize> {
        let [m, k, n] = self.sizes;
        (m == k && k == n && self.transposed == [false; 2]).then_some(n)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [m, k, n] = self.sizes;
        let sizes = if m == k && k == n {
            n.to_string()
        } else {
            format!("{m}x{k}x{n}")
        };
        let letters = match self.transposed {
            [false, false] => "",
            [false, true] => "nt",
            [true, false] => "tn",
            [true, true] => "tt",
        };
        f.pad(&(sizes + letters))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sizes, transposed) = match text.char_indices().nth_back(1) {
            Some((at, _)) if text[at..].chars().all(|letter| "nt".contains(letter)) => {
                (&text[..at], [text[at..].starts_with('t'), text.ends_with('t')])
            }
            _ => (text, [false; 2]),
        };
        let sizes: Result<Vec<usize>, _> = sizes.split('x').map(str::parse).collect();
        let sizes = match sizes.as_deref() {
            Ok(&[n]) => [n; 3],
            Ok(&[m, k, n]) => [m, k, n],
            _ => return Err("a size is N or MxKxN, such as 512, 64x64x4096 or 128x784x400nt".into()),
        };
        if sizes.iter().any(|size| !(1..=LARGEST).contains(size)) {
            return Err(format!("sizes are 1 to {LARGEST}"));
        }
        Ok(Size { sizes, transposed })
    }
}

/// For the command line.
pub(crate) fn parse_size(text: &str) -> Result<Size, String> {
    text.parse()
}

/// The operands of a product and its result.
pub(super) struct Product {
    size: Size,
    a: Lines,
    b: Lines,
    c: Lines,
}

impl Product {
    pub(super) fn new(size: &Size) -> Self {
        let [m, k, n] = size.sizes;
        let draw = |stream: &str, len: usize| {
            let mut numbers = Lines::of(0.0, len);
            Random::new(0).stream(stream).fill_normal(&mut numbers);
            numbers
        };
        Product {
            size: size.clone(),
            a: draw("a", m * k),
            b: draw("b", k * n),
            c: Lines::of(0.0, m * n),
        }
    }

    /// C = A B by this rung.
    pub(super) fn run(&mut self, rung: &dyn Rung) {
        let [m, k, n] = self.size.sizes;
        let [a_transposed, b_transposed] = self.size.transposed;
        let (a, b) = (view(&self.a, m, k, a_transposed), view(&self.b, k, n, b_transposed));
        matmul::product(rung, [m, k, n], a, b, &mut self.c);
    }
}

/// A matrix of these sizes that lies in rows, or in columns.
fn view(data: &[f32], rows: usize, columns: usize, transposed: bool) -> Matrix<'_, f32> {
    match transposed {
        false => Matrix::of_rows(data, columns),
        true => Matrix::of_rows(data, rows).transposed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::kernels::matmul::RUNGS;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, sizes, transposed) in [
            ("7", [7; 3], [false; 2]),
            ("64x1x8192", [64, 1, 8192], [false; 2]),
            ("128x784x400nt", [128, 784, 400], [false, true]),
            ("12tn", [12; 3], [true, false]),
            ("1x2x3tt", [1, 2, 3], [true; 2]),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.sizes, size.transposed), (sizes, transposed), "{text}");
            assert_eq!(size.to_string(), text);
        }
        assert_eq!("5nn".parse::<Size>().unwrap().to_string(), "5");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "x", "2x3", "2x3x4x5", "-1", "1.5", "nt", "t", "é", "64ab", "64ét"] {
            assert!(text.parse::<Size>().unwrap_err().starts_with("a size is N"), "{text}");
        }
        for text in ["0", "8193", "1x0x1"] {
            assert_eq!(text.parse::<Size>().unwrap_err(), "sizes are 1 to 8192");
        }
    }

    #[test]
    fn a_transposed_operand_gives_the_product_of_what_it_shows() {
        let size: Size = "2x3x1tn".parse().unwrap();
        let mut product = Product::new(&size);
        product.run(RUNGS[0]);
        let (a, b) = (&product.a, &product.b);
        let wanted = [0, 1].map(|i| (0..3).map(|p| a[p * 2 + i] * b[p]).sum::<f32>());
        assert_eq!(product.c[..], wanted);
    }
}
