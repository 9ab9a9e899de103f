"""Made-up values that machines write: addresses of networks and devices, keys and tokens.

What belongs here: their seeded generators. What does not: those of what people write (`pii_values`), the kinds (`pii_kinds`).
"""

import random

from benchmarks.pii_values import digits, letters

R = random.Random


def hexes(r: R, count: int) -> str:
    return "".join(r.choice("0123456789abcdefABCDEF") for _ in range(count))


def mac(r: R) -> str:
    gap = r.choice(":-")
    return gap.join(["a" + hexes(r, 1), *(hexes(r, 2) for _ in range(5))])


def ip(r: R) -> str:
    return (
        ".".join(str(r.randint(1, 254)) for _ in range(4))
        if r.random() < 0.7
        else f"2001:db8:{hexes(r, 3)}::{hexes(r, 4)}:{hexes(r, 2)}"
    )


def token(r: R, count: int) -> str:
    return "".join(r.choice("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(count - 1)) + "7"


def api_key(r: R) -> str:
    return r.choice(
        [
            f"sk-{token(r, 40)}",
            f"sk-proj-{token(r, 48)}",
            "AKIA" + letters(r, 12) + digits(r, 4),
            f"ghp_{token(r, 36)}",
            f"AIza{token(r, 35)}",
            f"hf_{token(r, 34)}",
            f"xoxb-{digits(r, 11)}-{token(r, 20)}",
        ]
    )


def further_key(r: R) -> str:
    return r.choice(
        [
            f"glpat-{token(r, 20)}",
            f"npm_{token(r, 36)}",
            f"SG.{token(r, 22)}.{token(r, 43)}",
            f"LTAI{token(r, 20)}",
            f"gsk_{token(r, 52)}",
        ]
    )


def private_key(r: R) -> str:
    label = r.choice(["", "RSA ", "EC ", "OPENSSH "])
    lines = "\n".join([*(token(r, 64) for _ in range(r.randint(2, 6))), token(r, r.randint(20, 60)) + "=="])
    return f"-----BEGIN {label}PRIVATE KEY-----\n{lines}\n-----END {label}PRIVATE KEY-----"


def password(r: R) -> str:
    word = r.choice(["sunshine", "Dragon", "letmein", "Tiger", "hunter"])
    return r.choice([f"{word}{digits(r, 2)}", f"{word}_{digits(r, 3)}", token(r, 10), f"{word}@{digits(r, 1)}x"])


def jwt(r: R) -> str:
    return f"eyJ{token(r, 20)}.eyJ{token(r, 40)}.{token(r, 43)}"


def url_token(r: R) -> str:
    parameter = r.choice(["token", "access_token", "api_key", "sig"])
    return f"https://h.example/{r.choice(['a', 'cb'])}?{parameter}={token(r, 24)}"


def url_code(r: R) -> str:
    return f"https://h.example/{r.choice(['cb', 'login'])}?{r.choice(['code', 'ticket', 'auth'])}={token(r, r.randint(20, 40))}"


def url_path(r: R) -> str:
    """Behind a marker that `pii.gone` parts the link at."""
    way = r.choice(["reset", "verify", "invite", "s", "d"])
    return f"https://h.example/{way}/{token(r, r.randint(28, 44))}"
