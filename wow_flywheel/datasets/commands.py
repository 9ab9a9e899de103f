"""`wow-flywheel datasets`: which training sets there are, what is in them, and files for other trainers.

What belongs here: arguments and printing. What does not: building datasets (`build`), file layouts (`export`).
"""

from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings
from wow_flywheel.datasets.cycle import MANIFEST, rebuild
from wow_flywheel.datasets.export import Format, export, export_hf
from wow_flywheel.datasets.manifest import Counts, Manifest, count_by
from wow_flywheel.errors import DatasetError
from wow_flywheel.lake import Lake
from wow_flywheel.release.store import ReleaseStore

app = typer.Typer(no_args_is_help=True, help="Training sets of each cycle: list, show, export, rebuild.")
CycleOption = Annotated[str, typer.Option("--cycle", help="The training cycle, as `datasets list` shows it.")]
COUNTED: Final = {
    "sft_dataset": ("split", "source", "scenario", "language"),
    "preference_dataset": ("split", "scenario", "issue_type", "language"),
    "labelled_dataset": ("label", "scenario", "issue_type", "language"),
}
ALWAYS: Final = ("sft_dataset", "preference_dataset")
"""Shown also where they have no rows; the others only cycles of some settings have."""


@app.command("list")
def list_cycles(as_json: JsonOption = False) -> None:
    """List the cycles and how many rows each of their datasets has."""
    rows = _cycles(Lake.at(settings().lake_uri))
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("no dataset yet")
    else:
        print_table(list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def show(cycle: CycleOption, as_json: JsonOption = False) -> None:
    """Show what a cycle's datasets hold: rows by split, scenario and issue type, and the days they come from."""
    frames = _read(cycle)
    counts: Counts = {}
    for name, frame in frames.items():
        counts |= count_by(name, frame, *COUNTED[name]) if name in ALWAYS or frame.height else {}
    days = sorted({str(day) for frame in frames.values() for day in frame["dt"].drop_nulls()})
    if as_json:
        print_json({"cycle": cycle, "days": days, "counts": counts})
        return
    typer.echo(f"cycle {cycle}, from the days {', '.join(days)}")
    print_table(["dataset.column", "value", "rows"], [(key, value, n) for key, by in counts.items() for value, n in by.items()])


@app.command("export")
def export_files(
    cycle: CycleOption,
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    layout: Annotated[
        Format,
        typer.Option(
            "--format", help="trl: this project's own; openai: plain replies and tool calls; hf: Parquet with a card."
        ),
    ] = "trl",
    as_json: JsonOption = False,
) -> None:
    """Write a cycle's datasets, one file a dataset and split."""
    frames = _read(cycle)
    rows = frames["sft_dataset"], frames["preference_dataset"]
    manifest = Manifest.load(_folder(cycle) / MANIFEST) if layout == "hf" else None
    written = export_hf(*rows, manifest, out) if manifest else export(*rows, layout, out)
    if as_json:
        print_json({"cycle": cycle, "folder": out, "files": written})
    else:
        print_table(["file", "rows"], [(out / name, rows) for name, rows in written.items()])


@app.command("rebuild")
def rebuild_files(
    cycle: Annotated[str | None, typer.Option("--cycle", help="The training cycle, as `datasets list` shows it.")] = None,
    release: Annotated[str | None, typer.Option("--release", help="Instead: a release, as `release list` shows it.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; compare with the hashes in the manifest.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; by default the cycle's own.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make files of a cycle or a release again from what its manifest names; they must be the same, byte for byte."""
    if (cycle is None) == (release is None) or (release is not None and not check and out is None):
        raise DatasetError(
            "name one cycle, or one release with --out or --check", hint="a release's folder is never written to"
        )
    manifest, folder = _manifest(cycle, release)
    target = None if check else out or folder
    done = rebuild(Lake.at(settings().lake_uri), manifest, target)
    name = release or manifest.cycle
    if as_json:
        print_json({"cycle": manifest.cycle, "files": done.files, "differing": done.differing, "folder": target})
    else:
        print_table(["file", "same", "SHA-256"], [(name, name not in done.differing, key) for name, key in done.files.items()])
    if done.differing:
        raise DatasetError(
            f"{name}: {', '.join(done.differing)} came out otherwise than the manifest says",
            hint=f"the library versions may differ from those of then: try the commit {done.manifest.git_commit}",
        )


def _manifest(cycle: str | None, release: str | None) -> tuple[Manifest, Path | None]:
    """The manifest, and the folder that its files belong in; a release has none."""
    if release is not None:
        return Manifest.model_validate(ReleaseStore(settings().models_uri).show(release).manifest), None
    folder = _folder(cycle or "")
    return Manifest.load(folder / MANIFEST), folder


def _folder(cycle: str) -> Path:
    return Path(settings().models_uri) / "cycles" / cycle


def _cycles(lake: Lake) -> list[dict[str, Any]]:
    counted = [
        lake.scan(name)
        .group_by("cycle", "split")
        .len("rows")
        .select("cycle", pl.format("{}.{}", pl.lit(name.removesuffix("_dataset")), "split").alias("part"), "rows")
        for name in COUNTED
    ]
    rows = pl.concat(counted).collect()
    columns = ["sft.train", "sft.held_out", "preference.train", "preference.held_out", "labelled.train"]
    by_part = {(cycle, part): count for cycle, part, count in rows.iter_rows()}
    return [{"cycle": each} | {name: by_part.get((each, name), 0) for name in columns} for each in sorted(set(rows["cycle"]))]


def _read(cycle: str) -> dict[str, pl.DataFrame]:
    lake = Lake.at(settings().lake_uri)
    frames = {name: lake.read(name, cycle) for name in COUNTED}
    if all(frame.is_empty() for frame in frames.values()):
        known = [row["cycle"] for row in _cycles(lake)]
        raise DatasetError(f"cycle {cycle!r} has no datasets", hint=f"the cycles are {known}" if known else "none is built yet")
    return frames
