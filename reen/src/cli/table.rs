use std::fmt::Write as _;
use std::time::SystemTime;

use prost_types::Timestamp;

/// Rows under a heading, each column as wide as its longest cell.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].len()]).max().unwrap_or(0)
    });
    let mut text = String::new();
    line(&mut text, heading, widths);
    for row in rows {
        line(&mut text, row.each_ref().map(String::as_str), widths);
    }
    text
}

fn line<const N: usize>(text: &mut String, cells: [&str; N], widths: [usize; N]) {
    let mut line = String::new();
    for (cell, width) in cells.into_iter().zip(widths) {
        // Writing to a string does not fail.
        let _written = write!(line, "{cell:width$}  ");
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// How long ago, in the largest unit that says something: `3 min`.
pub(super) fn ago(time: Option<&Timestamp>) -> String {
    let Some(time) = time.and_then(|time| SystemTime::try_from(*time).ok()) else {
        return "-".to_owned();
    };
    let seconds = time.elapsed().unwrap_or_default().as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// RFC 3339.
pub(super) fn moment(time: Option<&Timestamp>) -> String {
    time.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [
            ["a".to_owned(), String::new()],
            ["long".to_owned(), "b".to_owned()],
        ];
        assert_eq!(table(["id", "x"], &rows), "id    x\na\nlong  b\n");
    }
}
