"""The code location: loads `defs/`; nothing else."""

from wow_flywheel.defs.location import defs

__all__ = ["defs"]
