//! Charts as SVG: grouped bars, bars in a row, lines.

use std::ops::Range;
use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::number::number;

/// What drawing can fail with: the file cannot be written, for the most part.
pub(crate) type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Axes<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Told apart with any eyesight (Okabe and Ito, 2008), and then some.
const COLOURS: [RGBColor; 10] = [
    RGBColor(120, 120, 120),
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(180, 170, 30),
    RGBColor(90, 60, 140),
    RGBColor(0, 0, 0),
];

const WIDTH: u32 = 1120;
const LEGEND_COLUMNS: i32 = 5;
const LEGEND_LINE: i32 = 20;

/// How values lie on their axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From nothing up.
    Linear,
    /// Each decade as long as the next.
    Log,
}

/// Values of one server.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Of each group for bars; `None` where there is no value.
    pub(crate) values: Vec<Option<f64>>,
}

/// Groups of bars side by side, one bar of each line in each. A thin line marks 1 where the values
/// are ratios.
pub(crate) fn grouped(
    path: &Path,
    title: &str,
    groups: &[&str],
    lines: &[Line],
    scale: Scale,
    ratios: bool,
) -> Drawn {
    let root = with_legend(path, lines);
    let plot = frame(&root, title, lines)?;
    let range = scale.range(values(lines));
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .margin_right(15)
        .build_cartesian_2d(-0.5..groups.len() as f64 - 0.5, range.clone())?;
    let names = |x: &f64| group_at(*x, groups);
    mesh(&mut chart, scale, groups.len() * 2 + 2, &names)?;
    side_by_side(&mut chart, scale, range.start, lines)?;
    if ratios {
        let ends = [(-0.5, 1.0), (groups.len() as f64 - 0.5, 1.0)];
        chart.draw_series([PathElement::new(ends, BLACK.stroke_width(1))])?;
    }
    root.present()?;
    Ok(())
}

/// A bar of each line in each group.
fn side_by_side(chart: &mut Axes<'_, '_>, scale: Scale, ground: f64, lines: &[Line]) -> Drawn {
    let width = 0.84 / lines.len().max(1) as f64;
    for (place, line) in lines.iter().enumerate() {
        let bars = line.values.iter().enumerate().filter_map(|(group, value)| {
            let left = group as f64 - 0.42 + place as f64 * width;
            let corners = [
                (left, ground),
                (left + width * 0.92, scale.place((*value)?)),
            ];
            Some(Rectangle::new(corners, colour(place).filled()))
        });
        chart.draw_series(bars)?;
    }
    Ok(())
}

/// One bar for each name, the value beside it.
pub(crate) fn bars(path: &Path, title: &str, rows: &[(&str, f64)]) -> Drawn {
    let height = 70 + 26 * rows.len() as u32;
    let root = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    let plot = frame(&root, title, &[])?;
    let greatest = rows
        .iter()
        .map(|(_, value)| *value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    let mut chart = ChartBuilder::on(&plot)
        .y_label_area_size(170)
        .margin_right(15)
        .build_cartesian_2d(0.0..greatest * 1.12, rows.len() as f64 - 0.5..-0.5)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(0)
        .y_labels(rows.len() * 2 + 2)
        .y_label_formatter(&|y| group_at(*y, &names))
        .label_style(("sans-serif", 14))
        .draw()?;
    for (place, (name, value)) in rows.iter().enumerate() {
        let y = place as f64;
        let ours = if is_ours(name) { colour(1) } else { colour(0) };
        let corners = [(0.0, y - 0.38), (*value, y + 0.38)];
        chart.draw_series([Rectangle::new(corners, ours.filled())])?;
        let text = format!(" {}", number(Some(*value)));
        let style = ("sans-serif", 14).into_text_style(&plot);
        chart.draw_series([Text::new(text, (*value, y - 0.25), style)])?;
    }
    root.present()?;
    Ok(())
}

/// A line for each server over values of x, both axes in decades.
pub(crate) fn lines(
    path: &Path,
    title: &str,
    (x_name, at): (&str, &[f64]),
    y_name: &str,
    lines: &[Line],
) -> Drawn {
    let root = with_legend(path, lines);
    let plot = frame(&root, title, lines)?;
    let (x, y) = (
        Scale::Log.range(at.iter().copied()),
        Scale::Log.range(values(lines)),
    );
    let mut chart = ChartBuilder::on(&plot)
        .x_label_area_size(45)
        .y_label_area_size(60)
        .margin_left(15)
        .margin_right(25)
        .build_cartesian_2d(x, y)?;
    let decade = |x: &f64| decade(*x);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&decade)
        .y_label_formatter(&decade)
        .x_desc(x_name)
        .y_desc(y_name)
        .label_style(("sans-serif", 13))
        .draw()?;
    for (place, line) in lines.iter().enumerate() {
        let points: Vec<(f64, f64)> = std::iter::zip(at, &line.values)
            .filter_map(|(x, value)| Some((x.log10(), Scale::Log.place((*value)?))))
            .collect();
        let style = colour(place).stroke_width(2);
        chart.draw_series(LineSeries::new(points.clone(), style))?;
        let dots = points
            .into_iter()
            .map(|at| Circle::new(at, 3, colour(place).filled()));
        chart.draw_series(dots)?;
    }
    root.present()?;
    Ok(())
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(f64::MIN_POSITIVE).log10(),
        }
    }

    /// The axis that shows all values: from nothing, or in whole decades.
    fn range(self, values: impl Iterator<Item = f64>) -> Range<f64> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        match self {
            _ if low > high => 0.0..1.0,
            Self::Linear => 0.0..high * 1.05,
            Self::Log => low.log10().floor()..high.log10().ceil().max(low.log10().floor() + 1.0),
        }
    }
}

/// All values of all lines.
fn values(lines: &[Line]) -> impl Iterator<Item = f64> {
    let of = |line: &Line| line.values.clone();
    lines.iter().flat_map(of).flatten()
}

fn with_legend<'a>(path: &'a Path, lines: &[Line]) -> Area<'a> {
    let height = 470 + legend_height(lines.len());
    SVGBackend::new(path, (WIDTH, height)).into_drawing_area()
}

/// White ground, title, and a legend of the lines; what is left to draw on.
fn frame<'a>(
    root: &Area<'a>,
    title: &str,
    lines: &[Line],
) -> Result<Area<'a>, Box<dyn std::error::Error + Send + Sync>> {
    root.fill(&WHITE)?;
    root.draw(&Text::new(title.to_owned(), (15, 12), ("sans-serif", 19)))?;
    let step = (WIDTH as i32 - 30) / LEGEND_COLUMNS;
    for (place, line) in lines.iter().enumerate() {
        let (column, row) = (place as i32 % LEGEND_COLUMNS, place as i32 / LEGEND_COLUMNS);
        let (x, y) = (15 + column * step, 42 + row * LEGEND_LINE);
        root.draw(&Rectangle::new(
            [(x, y), (x + 12, y + 12)],
            colour(place).filled(),
        ))?;
        root.draw(&Text::new(
            line.name.clone(),
            (x + 18, y - 1),
            ("sans-serif", 14),
        ))?;
    }
    let (_, plot) = root.split_vertically(40 + legend_height(lines.len()));
    Ok(plot)
}

fn legend_height(lines: usize) -> u32 {
    (lines as u32).div_ceil(LEGEND_COLUMNS as u32) * LEGEND_LINE as u32
}

fn mesh(
    chart: &mut Axes<'_, '_>,
    scale: Scale,
    labels: usize,
    names: &dyn Fn(&f64) -> String,
) -> Drawn {
    let values = |y: &f64| match scale {
        Scale::Linear => format!("{y:.1}"),
        Scale::Log => decade(*y),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(labels)
        .x_label_formatter(names)
        .y_label_formatter(&values)
        .label_style(("sans-serif", 13))
        .draw()?;
    Ok(())
}

/// The name of the group whose middle is here.
fn group_at(x: f64, groups: &[&str]) -> String {
    let near = x.round();
    if (x - near).abs() > 1e-6 || near < 0.0 {
        return String::new();
    }
    groups
        .get(near as usize)
        .copied()
        .unwrap_or_default()
        .to_owned()
}

/// The value at a whole decade; nothing between them.
fn decade(exponent: f64) -> String {
    if (exponent - exponent.round()).abs() > 1e-6 {
        return String::new();
    }
    let value = 10f64.powf(exponent);
    if value < 1.0 {
        return format!("{value}");
    }
    number(Some(value))
        .split('.')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn colour(place: usize) -> RGBColor {
    COLOURS[place % COLOURS.len()]
}

fn is_ours(server: &str) -> bool {
    server.starts_with("sync") || server.starts_with("hyper")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_shows_all_values() {
        let cases: [(Scale, &[f64], Range<f64>); 5] = [
            (Scale::Linear, &[], 0.0..1.0),
            (Scale::Linear, &[2.0, 10.0], 0.0..10.5),
            (Scale::Log, &[0.2, 40.0], -1.0..2.0),
            (Scale::Log, &[100.0], 2.0..3.0),
            (Scale::Log, &[0.0, f64::NAN], 0.0..1.0),
        ];
        for (scale, values, expected) in cases {
            assert_eq!(scale.range(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn labels_stand_at_whole_places() {
        let groups = ["a", "b"];
        for (x, name) in [(0.0, "a"), (1.0, "b"), (0.5, ""), (-1.0, ""), (2.0, "")] {
            assert_eq!(group_at(x, &groups), name, "{x}");
        }
        for (exponent, value) in [(-2.0, "0.01"), (0.0, "1"), (1.0, "10"), (0.5, "")] {
            assert_eq!(decade(exponent), value, "{exponent}");
        }
    }

    #[test]
    fn draws_what_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chart.svg");
        let line = |name: &str, values: &[Option<f64>]| Line {
            name: name.into(),
            values: values.into(),
        };
        let both = [
            line("sync:2", &[Some(1.2), None]),
            line("axum", &[Some(0.9), Some(1.0)]),
        ];
        grouped(
            &path,
            "Throughput",
            &["hello-64", "io"],
            &both,
            Scale::Linear,
            true,
        )
        .unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        for text in ["Throughput", "hello-64", "io", "sync:2", "axum"] {
            assert!(svg.contains(text), "{text}");
        }
        bars(&path, "CPU", &[("sync:2", 6.5), ("axum", 9.0)]).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().contains("6.50"));
        lines(&path, "Memory", ("connections", &[1.0, 64.0]), "MiB", &both).unwrap();
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("connections")
        );
    }
}
