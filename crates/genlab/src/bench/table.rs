//! What was measured, as tables for a person and as lines for a program.

use super::ladder::Row;
use super::machine::ROUNDS;
use serde_json::{Value, json};
use std::fmt::Write;
use tensor_core::kernels::matmul::RUNGS;

/// One line a rung.
pub(super) fn json_lines(row: &Row) -> impl Iterator<Item = Value> {
    RUNGS.iter().enumerate().map(|(i, rung)| {
        let ([m, k, n], [a_transposed, b_transposed]) = (row.size.sizes, row.size.transposed);
        let speed = row.speeds[i];
        json!({
            "v": 1, "event": "product", "rung": rung.name(), "size": row.size.to_string(),
            "m": m, "k": k, "n": n, "a_transposed": a_transposed, "b_transposed": b_transposed,
            "gflops": speed.map(|speed| speed.best), "gflops_median": speed.map(|speed| speed.median),
            "rounds": speed.map_or(0, |speed| speed.rounds),
            "peak": row.peak(i), "share": row.share(i), "factor": row.factor(i),
        })
    })
}

/// Three tables: speeds, shares, factors.
pub(super) fn tables(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut add = |title: &str, cell: &dyn Fn(&Row, usize) -> Option<String>| {
        let _ = write!(text, "\n{title}\n{:15}", "size");
        for rung in RUNGS {
            let _ = write!(text, "  {:>width$}", rung.name(), width = width(rung.name()));
        }
        for row in rows {
            let _ = write!(text, "\n{:15}", row.size);
            for (i, rung) in RUNGS.iter().enumerate() {
                let cell = cell(row, i).unwrap_or_else(|| "-".into());
                let _ = write!(text, "  {cell:>width$}", width = width(rung.name()));
            }
        }
        text.push('\n');
    };
    add(
        &format!("GFLOP/s in the fastest of {ROUNDS} rounds (-: a product would take more than a second)"),
        &|row, i| {
            row.speeds[i].map(|speed| match speed.best {
                small if small < 10.0 => format!("{small:.2}"),
                large => format!("{large:.1}"),
            })
        },
    );
    add(
        "share of the peak in the same rounds: of one core, and of all for the rung that uses them",
        &|row, i| row.share(i).map(|share| format!("{:.1} %", 100.0 * share)),
    );
    add("times as fast as the rung before", &|row, i| {
        row.factor(i).map(|factor| format!("{factor:.2}"))
    });
    text.pop();
    text
}

/// Wide enough for a rung's name, and for any number.
fn width(name: &str) -> usize {
    name.len().max(7)
}

#[cfg(test)]
mod tests {
    use super::super::ladder::testing::row;
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_size_and_a_dash_where_nothing_was_measured() {
        let text = tables(&[row("64"), row("128x784x400nt")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3 * 5);
        let cells = |line: usize| lines[line].split_whitespace().collect::<Vec<_>>();
        assert_eq!(cells(2)[..3], ["size", "naive", "reordered"]);
        assert_eq!(cells(4)[..5], ["128x784x400nt", "-", "2.00", "4.00", "8.00"]);
        assert_eq!(cells(8)[..4], ["64", "-", "2.0", "%"]);
        assert_eq!(cells(13)[..4], ["64", "-", "-", "2.00"]);
        let widths: Vec<usize> = lines[2..5].iter().map(|line| line.len()).collect();
        assert_eq!(widths, [widths[0]; 3]);
    }

    #[test]
    fn a_line_for_a_program_has_every_rung() {
        let lines: Vec<Value> = json_lines(&row("7x8x9tn")).collect();
        assert_eq!(lines.len(), RUNGS.len());
        assert_eq!((&lines[0]["gflops"], &lines[0]["rounds"]), (&Value::Null, &json!(0)));
        assert_eq!(
            lines[2].to_string(),
            r#"{"v":1,"event":"product","rung":"register_tile","size":"7x8x9tn","m":7,"k":8,"n":9,"a_transposed":true,"b_transposed":false,"gflops":4.0,"gflops_median":3.0,"rounds":5,"peak":100.0,"share":0.04,"factor":2.0}"#
        );
    }
}
