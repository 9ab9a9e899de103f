"""What an asset shows of itself in the Dagster UI: columns, row counts, tables and plots.

What belongs here: turning frames, contracts and PNGs into metadata. What does not: which numbers a stage shows.
"""

import base64
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from wow_flywheel.columns import meaning
from wow_flywheel.contracts import TABLES
from wow_flywheel.lake import Lake


def recent(lake: Lake, name: str, day: dt.date, count: int) -> pl.DataFrame:
    """A table's rows of the `count` days that end with `day`."""
    first = day - dt.timedelta(days=count - 1)
    return lake.scan(name).filter(pl.col("dt").is_between(first, day)).collect()


def column_schema(table: str) -> dg.TableSchema:
    """The columns of a table's contract, with their constraints."""
    contract = TABLES[table]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(dtype),
                description=meaning(table, name),
                constraints=dg.TableColumnConstraints(nullable=name not in contract.required, unique=contract.key == (name,)),
            )
            for name, dtype in contract.columns.items()
        ]
    )


def written(lake: Lake, table: str, rows: pl.DataFrame | int, version: int, **more: Any) -> dict[str, Any]:
    """The metadata of one written partition: rows (or how many), place, table version, and whatever the stage adds."""
    return {
        "dagster/row_count": rows if isinstance(rows, int) else rows.height,
        "dagster/uri": lake.table_uri(table),
        "table version": version,
        **more,
    }


def counts_table(counts: Mapping[str, Any], header: tuple[str, str] = ("what", "how many")) -> dg.MarkdownMetadataValue:
    """Names and numbers as a Markdown table."""
    return table(header, list(counts.items()))


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.MarkdownMetadataValue:
    """A Markdown table."""
    lines = [_line(header), _line(["---"] * len(header)), *map(_line, rows)]
    return dg.MetadataValue.md("\n".join(lines))


def count_table(rows: pl.DataFrame, *columns: str) -> dg.MarkdownMetadataValue:
    """How many rows each combination of values has, as a Markdown table."""
    return frame_table(rows.group_by(columns).len("rows").sort(columns))


def frame_table(rows: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """A small frame as a Markdown table."""
    return table(rows.columns, [["–" if value is None else value for value in row] for row in rows.rows()])


def picture(png: bytes, title: str) -> dg.MarkdownMetadataValue:
    """A PNG inside Markdown, as the UI shows it."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def stacked_days(rows: pl.DataFrame, by: str, title: str) -> dg.MarkdownMetadataValue:
    """Rows a day as stacked bars.

    Args:
        rows: Columns `dt` and `by`; one row counts one.
        by: What a bar is made of.
        title: Above the plot.
    """
    counted = rows.group_by("dt", by).len("rows").sort("dt", by)
    days = sorted(set(counted["dt"]))
    figure, axis = _figure(title)
    floor = [0] * len(days)
    for value in sorted(set(counted[by])):
        found = dict(counted.filter(pl.col(by) == value).select("dt", "rows").iter_rows())
        heights = [found.get(day, 0) for day in days]
        axis.bar([str(day) for day in days], heights, bottom=floor, label=str(value))
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    return _finish(figure, axis, title)


def lines_by_day(
    rows: pl.DataFrame, columns: Mapping[str, str], title: str, unit: str = "% of conversations"
) -> dg.MarkdownMetadataValue:
    """Shares by day as lines, in percent.

    Args:
        rows: Column `dt`, unique, and the columns to draw.
        columns: Label by column.
        title: Above the plot.
        unit: Beside the axis.
    """
    ordered = rows.sort("dt")
    figure, axis = _figure(title)
    for column, label in columns.items():
        points = ordered.drop_nulls(column)
        axis.plot([str(day) for day in points["dt"]], [100 * value for value in points[column]], marker="o", label=label)
    axis.set_ylabel(unit)
    axis.set_ylim(bottom=0)
    return _finish(figure, axis, title)


def bars(counts: pl.DataFrame, title: str) -> dg.MarkdownMetadataValue:
    """Horizontal bars of a frame of two columns: name and number."""
    figure, axis = _figure(title)
    axis.barh([str(name) for name in counts.to_series(0)], counts.to_series(1).to_list())
    axis.invert_yaxis()
    return _finish(figure, axis, title)


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


def _figure(title: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    axis.set_title(title, loc="left", fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    return figure, axis


def _finish(figure: Any, axis: Any, title: str) -> dg.MarkdownMetadataValue:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, frameon=False, ncols=4)
    axis.tick_params(axis="x", labelsize=7)
    if len(axis.get_xticklabels()) > 4:
        axis.tick_params(axis="x", rotation=30)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return picture(buffer.getvalue(), title)
