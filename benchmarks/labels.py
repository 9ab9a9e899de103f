"""How good are the labels? The tables of docs/labelling/ about policies and calibration, and docs/gallery.md:
`python -m benchmarks.labels [part …]`.

What belongs here: which parts there are. What does not: the measurements (`labels_agreement`, `labels_saving`, …). All but
`gallery` need `../shared/data`, and take up to five minutes on one core; `panel` needs an endpoint as well, and its time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks import (
    labels_agreement,
    labels_by_inspector,
    labels_by_label,
    labels_gallery,
    labels_gold,
    labels_panel,
    labels_planted,
    labels_policies,
    labels_saving,
)


def agreement() -> Iterator[str]:
    """Agreement with people, without an endpoint."""
    unhappy, missed, unsolved = labels_gold.low_satisfaction(), labels_gold.not_achieved(), labels_gold.not_solved()
    for gold in (unhappy, missed, unsolved):
        yield from labels_agreement.tables(gold)
    yield from labels_by_inspector.tables(unhappy, "star", "low satisfaction")
    yield from labels_by_inspector.tables(missed, "star", "task not achieved")
    yield from labels_by_inspector.tables(unsolved, "tau", "not solved")
    risks = labels_by_label.learned_risks
    yield from labels_by_label.tables(unsolved, "tau", "solved", true=False, risks=risks(unsolved))
    yield from labels_by_label.tables(missed, "star", "task achieved", true=False, risks=risks(missed))
    yield from labels_by_label.tables(unhappy, "star", "low satisfaction", true=True)


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "agreement": agreement,
    "gallery": labels_gallery.lines,
    "panel": labels_panel.tables,
    "planted": labels_planted.tables,
    "policies": labels_policies.tables,
    "saving": labels_saving.tables,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables of some parts, or of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labels", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; none means all")
    wanted = parser.parse_args(argv).parts or list(PARTS)
    if unknown := sorted(set(wanted) - set(PARTS)):
        parser.error(f"no part is called {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    for name in wanted:
        started = time.perf_counter()
        if len(wanted) > 1:
            print(f"\n## {name}\n", flush=True)
        for line in PARTS[name]():
            print(line, flush=True)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
