"""What the day's rewriting may draw on: people's edits, the endpoint, and samples of the model in use.

What belongs here: opening these. What does not: the candidates (`wow_flywheel.pairs`). The model runs in a process of its own:
this one never imports torch.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from wow_flywheel.conversations.thresholds import read_section
from wow_flywheel.defs.flywheel.production import stream
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import SettingsError
from wow_flywheel.pairs.limits import SECTION, PairLimits, read_limits

if TYPE_CHECKING:  # these bring the endpoint's client along
    from wow_flywheel.pairs.build import Samples, Sources
    from wow_flywheel.pairs.verify import Standards

Say = Callable[[str], None]
Day = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
"""Cases, conversations and inspections of a day."""


def limits_of(flywheel: Flywheel) -> PairLimits:
    """The limits of the section `pairs` of `WOW_CHECKS`."""
    return read_limits(read_section(flywheel.settings().checks, SECTION))


def sources_of(flywheel: Flywheel, day: Day, say: Say) -> "Sources":
    """Edits of the day's conversations, the endpoint if there is one, and samples if `WOW_SELF_SAMPLES` asks for some."""
    from wow_flywheel.pairs.build import Sources
    from wow_flywheel.pairs.rewrite import Sampling

    dates = day[1]["dt"].unique().to_list()
    edits = flywheel.lake().scan("rewrite_edits").filter(pl.col("dt").is_in(dates)).collect()
    samples, malformed = samples_of(flywheel, day, edits, say)
    return Sources(edits, samples, malformed, flywheel.llm(), Sampling.from_env(os.environ))


def plan_of(sources: "Sources", day: Day, say: Say) -> list[tuple[str, str]]:
    """What rewriting is estimated to cost, said before the endpoint is asked; empty without an endpoint."""
    from wow_flywheel.pairs.edits import latest
    from wow_flywheel.pairs.plan import planned
    from wow_flywheel.pairs.rewrite import Sampling
    from wow_flywheel.pairs.sites import find_sites

    client = sources.client
    if client is None:
        return []
    edits = latest(sources.edits) if sources.edits is not None else None
    lines = planned(find_sites(*day, edits), sources.sampling or Sampling(), client.settings, client.budget)
    for name, value in lines:
        say(f"{name}: {value}")
    return lines


def standards_of(flywheel: Flywheel, conversations: pl.DataFrame, matches: pl.DataFrame) -> "Standards":
    """The policies that applied to each conversation and the rules as the team set them: what the day was inspected by."""
    from wow_flywheel.pairs.verify import Standards
    from wow_flywheel.policies.apply import applied
    from wow_flywheel.policies.units import load_policies
    from wow_flywheel.rules.overrides import load_overrides

    settings = flywheel.settings()
    policies = load_policies(settings.policies_uri)
    return Standards(applied(conversations, matches, policies), load_overrides(settings.rules))


def samples_of(flywheel: Flywheel, day: Day, edits: pl.DataFrame, say: Say) -> "tuple[Samples, Mapping[str, Sequence[str]]]":
    """What the released model says at each site, `WOW_SELF_SAMPLES` times, and what of it is no valid output.

    Nothing where no sample is asked for or no model released.
    """
    from wow_flywheel.pairs.edits import latest
    from wow_flywheel.pairs.self_samples import read_malformed, read_samples, write_sites
    from wow_flywheel.pairs.sites import find_sites

    count, release = self_samples(os.environ.get("WOW_SELF_SAMPLES", "")), flywheel.releases().current()
    if not count or release is None:
        return {}, {}
    with TemporaryDirectory() as folder:
        sites, out = Path(folder) / "sites.jsonl", Path(folder) / "samples.jsonl"
        write_sites(find_sites(*day, latest(edits)), sites)
        files = ["--sites", str(sites), "--out", str(out), "--samples", str(count)]
        stream(["wow_flywheel.pairs.self_samples", "--model", str(release.model_dir), *files], say)
        return read_samples(out), read_malformed(out)


def self_samples(text: str) -> int:
    """How many samples of its own model a day takes.

    Raises:
        SettingsError: It is no whole number from 0 to 64.
    """
    if not text.strip():
        return 0
    if not text.strip().isdecimal() or int(text) > 64:
        raise SettingsError(f"WOW_SELF_SAMPLES={text!r} is no whole number from 0 to 64", hint="set it to 4, or leave it out")
    return int(text)
