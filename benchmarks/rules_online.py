"""How long does a live system wait for a check? `taskset -c 0 python -m benchmarks.rules_online --rate 100 --seconds 20`.

What belongs here: a server in a process of its own on one core, requests sent at fixed times whether or not earlier ones
were answered, latencies counted from the time at which each was due. What does not: rules, throughput of the daily
partition (`benchmarks.rules`).

The load is open: a request that is due while the client or the server is busy waits, and its wait counts (no coordinated
omission). Conversations are of the STAR logs, cut to twenty turns, each different. Latency is as the client sees it, over
kept connections.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from benchmarks.near_duplicates import STAR
from benchmarks.rules_data import procedures, records
from wow_flywheel.rules import Checker
from wow_flywheel.rules.incoming import parse_json

TURNS = 20
WARM_UP = 2.0
WARM = 20


def main(argv: Sequence[str] | None = None) -> None:
    """Start the server, send the load, print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules_online", description=__doc__)
    parser.add_argument("--rate", type=float, nargs="+", default=[100.0], help="requests a second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of load, at each rate")
    parser.add_argument("--poisson", action="store_true", help="random times between requests, in place of equal ones")
    parser.add_argument("--core", type=int, default=0, help="the core that the server runs on")
    parser.add_argument("--logs", type=Path, default=STAR, help="folder of dt=…/*.jsonl.gz")
    parser.add_argument("--alone", action="store_true", help="no service: processor time of each check, whoever else computes")
    args = parser.parse_args(argv)
    bodies = requests(args.logs)
    if args.alone:
        print(alone(bodies, args.logs))
        return
    others = os.sched_getaffinity(0) - {args.core}
    if not others:
        raise SystemExit("one core for the service and one for who asks: this machine lends only one")
    os.sched_setaffinity(0, others)
    gc.collect()
    gc.freeze()  # the client's collections would count as the service's latency
    port = 8099
    server = start(args.core, port, args.logs)
    try:
        print("| requests/s | answered | 429 | p50 ms | p90 ms | p99 ms | max ms | CPU ms a request |")
        print("|---|---|---|---|---|---|---|---|")
        for rate in args.rate:
            print(asyncio.run(load(port, bodies, rate, args.seconds, args.poisson, server.pid)), flush=True)
    finally:
        server.kill()
        server.wait()


def requests(logs: Path) -> list[bytes]:
    """Conversations of twenty turns, as request bodies."""
    long = [record for record in records(logs) if len(record["messages"]) >= TURNS]
    random.Random(1).shuffle(long)
    return [
        json.dumps({"scenario": record["scenario"], "messages": record["messages"][:TURNS]}).encode() for record in long[:2000]
    ]


def alone(bodies: Sequence[bytes], logs: Path) -> str:
    """Milliseconds of processor time from a request's body to its findings, without HTTP; the first twenty do not count."""
    checker = Checker(None, procedures(logs))
    gc.collect()
    gc.freeze()  # as the service does
    times = []
    for body in [*bodies[:WARM], *bodies]:
        began = time.process_time()
        checker.check_parsed(parse_json(body))
        times.append((time.process_time() - began) * 1e3)
    times = sorted(times[WARM:])
    quantiles = " | ".join(f"{times[min(len(times) - 1, int(len(times) * share))]:.1f}" for share in (0.5, 0.9, 0.99, 1))
    return f"| checks | p50 ms | p90 ms | p99 ms | max ms |\n|---|---|---|---|---|\n| {len(times)} | {quantiles} |"


def start(core: int, port: int, logs: Path) -> subprocess.Popen[bytes]:
    """The service by its console command on one core, with the procedures beside the logs."""
    script = f"import os; os.sched_setaffinity(0, {{{core}}}); from wow_flywheel.cli import app; app()"
    environment = {
        **os.environ,
        "WOW_POLICIES_URI": str(logs.parent / "policies.jsonl.gz"),
        "WOW_KNOWLEDGE_URI": "/nonexistent",
    }
    return subprocess.Popen([sys.executable, "-c", script, "check-server", "--port", str(port)], env=environment)


async def load(port: int, bodies: Sequence[bytes], rate: float, seconds: float, poisson: bool, pid: int) -> str:
    """Send at the rate; one row of the table."""
    chance = random.Random(2)
    url = f"http://127.0.0.1:{port}/v1/check"
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        await ready(session, port)
        due, at = [], WARM_UP
        while at < WARM_UP + seconds:
            due.append(at)
            at += chance.expovariate(rate) if poisson else 1 / rate
        for body in bodies[:20]:
            await one(session, url, body, time.perf_counter())
        began, used = time.perf_counter(), cpu(pid)
        tasks = []
        for number, moment in enumerate(due):
            await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
            tasks.append(asyncio.create_task(one(session, url, bodies[number % len(bodies)], began + moment)))
        answers = await asyncio.gather(*tasks)
    return row(rate, answers, cpu(pid) - used)


async def ready(session: aiohttp.ClientSession, port: int) -> None:
    """Wait until the service answers."""
    for _ in range(300):
        try:
            async with session.get(f"http://127.0.0.1:{port}/healthz"):
                return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.1)
    raise SystemExit("the service does not answer")


async def one(session: aiohttp.ClientSession, url: str, body: bytes, due: float) -> tuple[int, float]:
    """Status of one request, and milliseconds from when it was due."""
    async with session.post(url, data=body) as answer:
        await answer.read()
        return answer.status, (time.perf_counter() - due) * 1e3


def row(rate: float, answers: Sequence[tuple[int, float]], used: float) -> str:
    """A line of the table; quantiles are of the answers with findings, and none is left out."""
    times = sorted(each for status, each in answers if status == 200)
    refused = sum(status == 429 for status, _ in answers)

    def quantile(share: float) -> str:
        return f"{times[min(len(times) - 1, int(len(times) * share))]:.1f}" if times else "–"

    quantiles = " | ".join(quantile(share) for share in (0.5, 0.9, 0.99, 1))
    return f"| {rate:g} | {len(times)} | {refused} | {quantiles} | {1e3 * used / len(answers):.2f} |"


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
