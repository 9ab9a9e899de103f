"""Production in the embedded closed world: its founding, its first release, and its days.

What belongs here: the commands that play production. What does not: the world (`wow_flywheel.closed_world`), which this starts
only as a command line, and the flywheel itself, which sees no more of it than its logs.
"""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.training.child import QUIET_CHILD, write_config
from wow_flywheel.defs.training.recipes import FirstModel
from wow_flywheel.errors import PermanentError
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.folder import Release
from wow_flywheel.settings import Settings
from wow_flywheel.training.provenance import git_commit

Say = Callable[[str], None]
FIRST_CYCLE: Final = "base"
WORLD: Final = "wow_flywheel.closed_world"


def stream(command: Sequence[str], say: Say) -> None:
    """Run a module's command line and pass on its lines as they come.

    Args:
        command: The module and its arguments.
        say: Takes each line.

    Raises:
        PermanentError: It failed; the message ends with its last line.
    """
    last = ""
    argv = [sys.executable, "-m", *command]
    env = {**os.environ, **QUIET_CHILD}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, env=env) as child:
        try:
            for line in filter(None, map(str.rstrip, child.stdout or ())):
                last = line
                say(line)
        finally:
            if sys.exc_info()[0] is not None:
                child.kill()  # training goes on from its last checkpoint; a gentler signal may be ignored
    if child.returncode:
        raise PermanentError(
            f"python -m {command[0]} failed: {last}", hint="its lines above say more; run it by hand to repeat it"
        )


def found(flywheel: Flywheel, day: dt.date, seed: int, say: Say) -> Release:
    """The release in use; before the first one, found the world and train its first production model.

    Raises:
        PermanentError: A command failed.
        ReleaseError: The current release is not as it was sealed.
    """
    current = flywheel.releases().current()
    if current is not None:
        return current
    settings = flywheel.settings()
    folder = Path(settings.models_uri) / FIRST_CYCLE
    say("founding the closed world: its rules, human-style dialogues, an untrained model")
    stream([WORLD, "found", "--folder", str(folder), *_world(settings, day, seed)], say)
    say("training the first production model on those imperfect dialogues")
    config = write_config(folder, FirstModel().config(folder))
    stream(["wow_flywheel.training.sft", "--config", str(config)], say)
    reason = "the closed world's first production model: there was none to compare with"
    decision = Decision(passed=True, reason=reason, baseline="none", candidate=FIRST_CYCLE, checks=())
    manifest = {"made_from": "human-style dialogues of the closed world", "seed": seed, "git_commit": git_commit()}
    release = flywheel.releases().promote(folder / "run" / "model", manifest, decision, FIRST_CYCLE)
    say(f"release {release.id} is current")
    return release


def produce(settings: Settings, release: Release, day: dt.date, conversations: int, seed: int, say: Say) -> None:
    """Let a release serve a day's customers; its logs land where production logs are read from.

    Raises:
        PermanentError: The command failed.
    """
    say(f"production: {release.id} serves {conversations} customers on {day}")
    served = ["--model", str(release.model_dir), "--model-name", release.id, "--logs", settings.logs_uri]
    stream([WORLD, "produce", *served, "--conversations", str(conversations), *_world(settings, day, seed)], say)


def _world(settings: Settings, day: dt.date, seed: int) -> list[str]:
    places = ["--knowledge", settings.knowledge_uri, "--policies", settings.policies_uri]
    return [*places, "--day", str(day), "--seed", str(seed)]
