"""Calls a second of the inspection client beside the bare `openai` client, against an endpoint of 200 ms, in one run.

What belongs here: the two sides and their ratio. What does not: the server (`inspection_endpoint`).
Ours does all that an inspection does: request hash, ledger read, durable ledger write, budget, reading and checking the answer
against its schema. The other side is `openai.AsyncOpenAI` with its fastest transport, `DefaultAioHttpClient`: it sends the same
requests and looks at the answers' text. The sides take turns, and the median of their ratios counts.

    python -m benchmarks.inspection --in-flight 64 256 --seconds 8 --rounds 3
"""

import argparse
import asyncio
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from wow_flywheel.inspection.answers import PanelClaims
from wow_flywheel.llm.client import LlmClient, LlmRequest, Success
from wow_flywheel.llm.fanout import bounded_map
from wow_flywheel.llm.formats import request_extra
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings

TURN = '{"turn": %d, "role": "user", "content": "My parcel should have been here on Tuesday, and nobody answers the phone."}'
SYSTEM = "You inspect finished customer-service conversations."


def prompt(number: int) -> str:
    """A prompt of about 700 tokens that was never asked before."""
    return (
        f"<conversation>\n{chr(10).join(TURN % turn for turn in range(20))}\n</conversation>\nQuestion {number}: any finding?"
    )


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """The endpoint's URL while it runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.inspection_endpoint", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


async def bare(url: str, in_flight: int, prompts: list[str]) -> float:
    """Calls a second of the bare `openai` client."""
    import openai

    extra = request_extra("json_schema", PanelClaims)
    async with openai.AsyncOpenAI(base_url=url, api_key="none", http_client=openai.DefaultAioHttpClient()) as api:

        async def one(text: str) -> int:
            messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
            answer = await api.chat.completions.create(
                model="judge", messages=messages, max_tokens=1024, temperature=0, **extra
            )
            return len(answer.choices[0].message.content or "")

        await bounded_map(one, prompts[:in_flight], in_flight)  # connections open
        started = time.perf_counter()
        await bounded_map(one, prompts[in_flight:], in_flight)
        return (len(prompts) - in_flight) / (time.perf_counter() - started)


async def ours(url: str, in_flight: int, prompts: list[str], folder: str) -> float:
    """Calls a second of the inspection client, all included."""
    settings = LlmSettings(base_url=url, model="judge", max_in_flight=in_flight, start_in_flight=in_flight)
    client = LlmClient(settings, Ledger.at(folder))
    requests = [LlmRequest(text, system=SYSTEM, about="c1") for text in prompts]
    async with client.session() as session:
        await session.complete_many(requests[:in_flight], PanelClaims)  # connections open, dialect known
        started = time.perf_counter()
        outcomes = await session.complete_many(requests[in_flight:], PanelClaims)
        seconds = time.perf_counter() - started
    assert all(isinstance(outcome, Success) for outcome in outcomes)
    assert client.counts.calls == len(prompts)
    return len(outcomes) / seconds


def compare(url: str, in_flight: int, seconds: float, rounds: int) -> tuple[float, float, float]:
    """Median calls a second of the bare client and of ours, and the median of their ratios."""
    calls = int(in_flight / 0.2 * seconds) + in_flight
    numbers = iter(range(10**9))
    pairs = []
    for _ in range(rounds):
        other = asyncio.run(bare(url, in_flight, [prompt(next(numbers)) for _ in range(calls)]))
        with tempfile.TemporaryDirectory() as folder:
            own = asyncio.run(ours(url, in_flight, [prompt(next(numbers)) for _ in range(calls)], folder))
        pairs.append((other, own))
    others, owns = zip(*pairs, strict=True)
    return statistics.median(others), statistics.median(owns), statistics.median(own / other for other, own in pairs)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[64, 256])
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="length of one side's turn if the endpoint were all that limits"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("| in flight | openai + aiohttp, calls/s | ours, ledger and checks included | ratio | ideal |")
    print("|---|---|---|---|---|")
    with endpoint() as url:
        for in_flight in arguments.in_flight:
            other, own, ratio = compare(url, in_flight, arguments.seconds, arguments.rounds)
            print(f"| {in_flight} | {other:.0f} | {own:.0f} | {ratio:.2f} | {in_flight / 0.2:.0f} |", flush=True)


if __name__ == "__main__":
    main()
