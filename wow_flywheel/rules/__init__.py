"""Online checks: every file in `sql/rules/` is one rule. `engine.find` runs them over a day, `check` over one live
conversation.
"""

from wow_flywheel.rules.online import Checker, check

__all__ = ["Checker", "check"]
