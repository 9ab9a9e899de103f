"""What differs between two releases.

What belongs here: comparing manifests and metrics. What does not: reading releases (`folder`, `store`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from wow_flywheel.release.folder import Release


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What differs between two releases: by dotted manifest key and by metric, the value of each (None where it has none).

    A metric that was measured in several ways goes by its name and kind, such as `rr (offline)`, but for the first of them.
    """

    manifest: Mapping[str, tuple[Any, Any]]
    metrics: Mapping[str, tuple[float | None, float | None]]

    @classmethod
    def of(cls, a: Release, b: Release) -> Self:
        """From two releases."""
        return cls(_changes(_flat(a.manifest), _flat(b.manifest)), _changes(_metrics(a), _metrics(b)))


def _metrics(release: Release) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for each in release.decision.metrics:
        values[each.metric if each.metric not in values else f"{each.metric} ({each.kind})"] = each.value
    return values


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{prefix}{key}.") if isinstance(inner, Mapping) else {f"{prefix}{key}": inner}
    return flat


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (a.get(key), b.get(key)) for key in sorted({*a, *b}) if a.get(key) != b.get(key)}
