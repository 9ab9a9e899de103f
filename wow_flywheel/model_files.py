"""Which model it is: a hash over the names and contents of its files.

What belongs here: the hash, which evaluation, gate and release share. What does not: loading models.
"""

import json
from hashlib import file_digest, sha256
from pathlib import Path

from wow_flywheel.errors import ReleaseError


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path relative to it, in order."""
    found: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            found[path.relative_to(folder).as_posix()] = file_digest(stream, "sha256").hexdigest()
    return found


def model_digest(model_dir: Path) -> str:
    """One hash over the names and contents of a model's files.

    Raises:
        ReleaseError: The folder is missing or empty.
    """
    files = digests(model_dir) if model_dir.is_dir() else {}
    if not files:
        raise ReleaseError(f"{model_dir} holds no model", hint="train the model first, or pass its checkpoint folder")
    return sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
