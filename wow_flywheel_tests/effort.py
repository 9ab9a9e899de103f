"""How hard property tests try: a tenth of their examples in `make test`, all of them in `make test-all`.

What belongs here: the number of examples. What does not: strategies.
"""

import os
from typing import Final

ALL: Final = "WOW_TEST_EFFORT"
QUICK: Final = 10


def everything() -> bool:
    """Whether all is to be tried that there is, as `make test-all` does."""
    return os.environ.get(ALL) == "all"


def examples(count: int) -> int:
    """How many examples a property test tries whose full number is `count`: all if `WOW_TEST_EFFORT` is `all`, else a tenth."""
    return count if everything() else max(1, count // QUICK)
