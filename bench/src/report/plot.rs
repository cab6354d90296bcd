use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::{Line, Table};

const WIDTH: u32 = 960;
const HEIGHT_OF_A_ROW: u32 = 44;
const MARGIN: u32 = 90;
const ROOM_FOR_NAMES: u32 = 200;
const NANOS_OF_A_MICRO: u64 = 1_000;

/// What a request costs in each row, by process, as an SVG: a bar for each row, one colour for each
/// process, in microseconds of processor time.
pub(crate) fn plot(table: &Table, path: &Path) -> Result<()> {
    let rows = u32::try_from(table.lines.len())?;
    let size = (WIDTH, rows * HEIGHT_OF_A_ROW + MARGIN);
    let area = SVGBackend::new(path, size).into_drawing_area();
    draw(&area, table).map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    table: &Table,
) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&WHITE)?;
    let lines: Vec<&Line> = table.lines.iter().rev().collect();
    let rows = i32::try_from(lines.len())?;
    let most = lines.iter().map(|line| line.cost()).max().unwrap_or(1) / NANOS_OF_A_MICRO;
    let mut chart = ChartBuilder::on(area)
        .caption("Processor time of one request, µs", ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(ROOM_FOR_NAMES)
        .build_cartesian_2d(0..most + most / 20 + 1, (0..rows).into_segmented())?;
    let name = |row: &SegmentValue<i32>| match row {
        SegmentValue::CenterOf(row) | SegmentValue::Exact(row) => usize::try_from(*row)
            .ok()
            .and_then(|row| lines.get(row))
            .map_or_else(String::new, |line| line.name.clone()),
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(lines.len())
        .y_label_formatter(&name)
        .draw()?;
    let processes: BTreeSet<&String> = lines.iter().flat_map(|line| line.ours.keys()).collect();
    for (index, process) in processes.into_iter().enumerate() {
        let colour = Palette99::pick(index).filled();
        let bars = lines.iter().zip(0..);
        chart
            .draw_series(bars.map(|(line, row)| bar(stretch(line, process), row, colour)))?
            .label(process.as_str())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .border_style(BLACK)
        .background_style(WHITE)
        .draw()?;
    Ok(area.present()?)
}

fn bar(
    (begin, end): (u64, u64),
    row: i32,
    colour: ShapeStyle,
) -> Rectangle<(u64, SegmentValue<i32>)> {
    let [low, high] = [row, row + 1].map(SegmentValue::Exact);
    let mut bar = Rectangle::new([(begin, low), (end, high)], colour);
    bar.set_margin(6, 6, 0, 0);
    bar
}

/// Where the part of `process` begins and ends in the bar: behind those before it in the alphabet.
fn stretch(line: &Line, process: &str) -> (u64, u64) {
    let before = line
        .ours
        .iter()
        .take_while(|(name, _)| name.as_str() < process);
    let begin: u64 = before.map(|(_, nanos)| nanos).sum();
    let own = line.ours.get(process).copied().unwrap_or_default();
    (begin / NANOS_OF_A_MICRO, (begin + own) / NANOS_OF_A_MICRO)
}
