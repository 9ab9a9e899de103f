"""An S3 API that is slow, breaks off, refuses or loses objects: what is read is whole, or the error says what to do."""

import gzip
import json
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.conversations.spool import PREFIX
from wow_flywheel.errors import SettingsError, SourceError, StorageUnavailable
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel.storage import file_system
from wow_flywheel_tests.integration.s3_proxy import Fault, Proxy
from wow_flywheel_tests.integration.test_s3_logs_and_lake import endpoint, free_port
from wow_flywheel_tests.unit.conversations.logs import DAY, line
from wow_flywheel_tests.unit.conversations.test_plain_calls import OTHER, document

__all__ = ["endpoint"]
BUCKET = "faulty"
URI = f"s3://{BUCKET}/logs"
LINES = 400
FILES = {
    f"logs/dt={DAY}/a.jsonl": b"\n".join(line(f"a-{n}") for n in range(LINES)),
    f"logs/dt={DAY}/b.jsonl.gz": gzip.compress(b"\n".join(line(f"b-{n}") for n in range(LINES)), 1),
}
GET_A, GET_B = r"GET /faulty/logs/.*a\.jsonl", r"GET /faulty/logs/.*b\.jsonl\.gz"


@pytest.fixture(scope="module")
def world(endpoint: str) -> Iterator[tuple[Proxy, Any]]:
    """The proxy in front of the server, and a client that reaches the server directly."""
    proxy = Proxy(int(endpoint.rpartition(":")[2]), free_port())
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    try:
        for _ in range(200):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", proxy.port), timeout=1).close()
                break
            time.sleep(0.05)
        client.create_bucket(Bucket=BUCKET)
        yield proxy, client
    finally:
        client.close()
        proxy.stop()


@pytest.fixture
def faults(world: tuple[Proxy, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A day of logs behind the proxy, few attempts, and a short patience."""
    proxy, client = world
    proxy.set()
    for left in client.list_objects_v2(Bucket=BUCKET, Prefix="logs/").get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=left["Key"])
    for key, body in FILES.items():
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": proxy.url, "WOW_S3_ATTEMPTS": "2", "WOW_S3_TIMEOUT_SECONDS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield proxy
    proxy.set()


def day_is_whole() -> None:
    day = read_day(LogSource.at(URI), DAY)
    assert (day.counts["conversations"], day.counts["quarantined"], day.counts["lines"]) == (2 * LINES, 0, 2 * LINES)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("slow", GET_A, after=20_000, seconds=0.1),
        Fault("reset", GET_A, times=1, after=50_000),
        Fault("reset", GET_B, times=1, after=1_000),
        Fault("short", GET_A, after=50_000),
        Fault("short", GET_B, times=1, after=1_000),
        Fault("stall", GET_A, times=1, after=50_000, seconds=3),
        Fault("status", GET_A, times=1),
        Fault("status", "list-type=2", times=1),
        Fault("status", "HEAD .*jsonl", times=1, status=500, code="InternalError"),
        Fault("status", GET_B, times=1, status=500, code="InternalError"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {fault.match}",
)
def test_what_passes_is_got_over(faults: Proxy, fault: Fault) -> None:
    faults.set(fault)
    day_is_whole()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            Fault("reset", GET_A, after=50_000),
            r"a\.jsonl: the storage does not answer \(\w+\) → try again; .* AWS_ENDPOINT_URL",
        ),
        (Fault("reset", GET_B, after=1_000), r"b\.jsonl\.gz: the storage does not answer"),
        (Fault("short", GET_A), r"a\.jsonl: the answer ends at byte 0 of \d+ → try again"),
        (Fault("short", GET_B), r"b\.jsonl\.gz: the answer ends at byte 0 of \d+ → try again"),
        (Fault("stall", GET_A, after=50_000, seconds=2), r"a\.jsonl: the storage does not answer \(\w+\)"),
        (Fault("status", GET_A), r"a\.jsonl: the storage does not answer \(SlowDown\)"),
        (Fault("status", "list-type=2"), r"the storage does not answer \(SlowDown\)"),
        (Fault("status", GET_A, status=500, code="InternalError"), r"the storage does not answer \(InternalError\)"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {fault.match}" if isinstance(fault, Fault) else "",
)
def test_what_does_not_pass_is_an_error_after_few_attempts(faults: Proxy, fault: Fault, says: str) -> None:
    faults.set(fault)
    with pytest.raises(StorageUnavailable, match=says):
        day_is_whole()
    assert 1 <= faults.seen(fault.match) <= 4


@pytest.mark.parametrize("where", ["list-type=2", GET_A])
def test_an_expired_credential_names_the_setting_and_is_not_tried_again(faults: Proxy, where: str) -> None:
    faults.set(Fault("status", where, status=403, code="ExpiredToken"))
    with pytest.raises(SourceError, match=r"access denied \(ExpiredToken\) → .*renew .*AWS_SESSION_TOKEN"):
        day_is_whole()
    assert faults.seen(where) == 1


def test_an_object_that_is_gone_after_it_was_listed(faults: Proxy, world: tuple[Proxy, Any]) -> None:
    source = LogSource.at(URI)
    file = source.files(DAY)[0]
    world[1].delete_object(Bucket=BUCKET, Key=f"logs/dt={DAY}/a.jsonl")
    with pytest.raises(StorageUnavailable, match=r"a\.jsonl: gone since it was listed → try again"), source.reading(file):
        pass
    assert read_day(source, DAY).counts["conversations"] == LINES


def calls(number: int) -> bytes:
    """A call that the quick way leaves to the careful one, which goes through the file once more, and one that it does not."""
    odd = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "function_call": {"name": "f"}}]
    about = {"timestamp": f"{DAY}T08:00:00Z"}
    each = [document(odd, number, session_id="odd", **about), document(OTHER, number, session_id="plain", **about)]
    return b"\n".join(json.dumps(call).encode() for call in each)


LISTED, LOOKED = rf"list-type=2.*dt%3D{DAY}", r"GET /faulty/logs/loose/.*calls\.jsonl"


@pytest.mark.parametrize(
    ("folder", "match"),
    [
        (f"dt={DAY}", LISTED),
        pytest.param(f"dt={DAY}", r"GET /faulty/logs/dt.*calls\.jsonl", marks=pytest.mark.slow),
        pytest.param("loose", "list-type=2.*loose", marks=pytest.mark.slow),
        ("loose", LOOKED),
    ],
    ids=["listed, of a day", "read once, of a day", "listed, of no day", "looked through, of no day"],
)
def test_an_object_that_goes_while_its_day_is_read(
    faults: Proxy, world: tuple[Proxy, Any], folder: str, match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, temporary = f"logs/{folder}/calls.jsonl", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    settings = Settings.from_env({"WOW_LOGS_URI": URI, "WOW_LAKE_URI": str(tmp_path / "lake")})
    lake = Lake.at(settings.lake_uri)
    ingest_day(lake, settings, DAY)
    before = {table: lake.read(table, DAY) for table in ("conversations", "quarantine")}
    world[1].put_object(Bucket=BUCKET, Key=key, Body=calls(1))
    faults.set(Fault("lose", match, times=1, lost=f"/{BUCKET}/{key}"))
    with pytest.raises(StorageUnavailable, match=r"calls\.jsonl: gone since it was listed → try again"):
        ingest_day(lake, settings, DAY)
    assert all(lake.read(table, DAY).equals(rows) for table, rows in before.items())
    assert list(temporary.glob(f"{PREFIX}*")) == []
    assert ingest_day(lake, settings, DAY).counts["conversations"] == 2 * LINES
    world[1].put_object(Bucket=BUCKET, Key=key, Body=calls(2))
    assert ingest_day(lake, settings, DAY).counts["conversations"] == 2 * LINES + 2


def test_an_object_that_is_replaced_while_it_is_read(faults: Proxy, world: tuple[Proxy, Any]) -> None:
    world[1].put_object(Bucket=BUCKET, Key=f"logs/dt={DAY}/a.jsonl", Body=b"x" * 2**26)
    source = LogSource.at(URI)
    file = source.files(DAY)[0]

    def read_while_it_is_replaced() -> None:
        with source.reading(file) as stream:
            stream.read(10)
            world[1].put_object(Bucket=BUCKET, Key=f"logs/dt={DAY}/a.jsonl", Body=b"y" * 2**26)
            stream.read()

    with pytest.raises(StorageUnavailable, match=r"a\.jsonl: changed while it was read"):
        read_while_it_is_replaced()


def test_a_table_is_written_and_read_while_the_store_asks_to_slow_down(faults: Proxy) -> None:
    lake, rows = Lake.at(f"s3://{BUCKET}/lake"), read_day(LogSource.at(URI), DAY).conversations
    faults.set(Fault("status", "PUT .*lake/conversations", times=1), Fault("status", "GET .*lake/conversations", times=1))
    lake.replace("conversations", rows, DAY)
    faults.set(Fault("status", "GET .*lake/conversations", times=1), Fault("status", "list-type", times=1))
    assert lake.read("conversations", DAY).sort("conversation_id").equals(rows.sort("conversation_id"))


@pytest.mark.parametrize("where", ["PUT .*lake/conversations.*parquet", "PUT .*_delta_log"])
def test_a_table_that_cannot_be_written_keeps_its_rows_and_says_so(faults: Proxy, where: str) -> None:
    lake, rows = Lake.at(f"s3://{BUCKET}/lake"), read_day(LogSource.at(URI), DAY).conversations
    lake.replace("conversations", rows.head(1), DAY)
    faults.set(Fault("status", where))
    began = time.monotonic()
    with pytest.raises(StorageUnavailable, match=r"lake/conversations: the storage does not answer .*→ try again"):
        lake.replace("conversations", rows, DAY)
    assert time.monotonic() - began < 20
    faults.set()
    assert lake.read("conversations", DAY).equals(rows.head(1))


@pytest.mark.parametrize("written", [True, False])
def test_a_table_with_an_expired_credential_names_the_setting(faults: Proxy, *, written: bool) -> None:
    # a table that was never written has no rows, but one that may not be looked for is refused
    lake = Lake.at(f"s3://{BUCKET}/lake-{written}")
    if written:
        lake.replace("conversations", read_day(LogSource.at(URI), DAY).conversations, DAY)
    faults.set(Fault("status", rf"lake-{written}(/|%2F)conversations", status=403, code="ExpiredToken"))
    with pytest.raises(SourceError, match="AWS_SESSION_TOKEN"):
        lake.read("conversations", DAY)


@pytest.mark.parametrize("name", ["WOW_S3_ATTEMPTS", "WOW_S3_TIMEOUT_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_limits_are_whole_numbers_above_zero(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name}='{value}' is no whole number above zero"):
        file_system("s3://b/x")
