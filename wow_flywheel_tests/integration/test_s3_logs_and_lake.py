"""Logs, knowledge and tables in S3: a real HTTP server with the S3 API on the loopback interface."""

import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import boto3
import polars as pl
import pytest

from wow_flywheel.conversations.arrivals import LogCursor, arrived, look
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.errors import SourceError, StorageUnavailable
from wow_flywheel.knowledge.load import load_knowledge
from wow_flywheel.lake import Lake
from wow_flywheel.storage import storage_errors
from wow_flywheel_tests.unit.conversations.logs import DAY, line, record

BUCKET = "flywheel"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server in a process of its own: some calls of deltalake hold the GIL while they wait, so a thread could not answer."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()  # a shell may have it ignore gentler signals
        server.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_it_answers(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, "the S3 server ended"
            time.sleep(0.1)
    pytest.fail("the S3 server did not start within 30 s")


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of an empty bucket, and the standard variables that the project reads."""
    settings = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    client.create_bucket(Bucket=BUCKET)
    yield client
    for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=each["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


def test_a_day_of_logs_is_read_from_a_prefix(s3: Any) -> None:
    prefix = f"prod/logs/dt={DAY}"
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/a.jsonl.gz", Body=gzip.compress(line("c-1") + b"\n" + line("c-2")))
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/host b/c.jsonl", Body=line("c-3") + b"\n{")
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/_SUCCESS", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="prod/logs/dt=2026-11-06/a.jsonl", Body=line("c-4"))
    source = LogSource.at(f"s3://{BUCKET}/prod/logs/")
    assert [str(day) for day in source.days()] == ["2026-11-05", "2026-11-06"]
    files = source.files(DAY)
    assert [(file.path, file.uri) for file in files] == [
        (f"dt={DAY}/{name}", f"s3://{BUCKET}/{prefix}/{name}") for name in ("a.jsonl.gz", "host b/c.jsonl")
    ]
    day = read_day(source, DAY)
    assert day.conversations["conversation_id"].to_list() == ["c-1", "c-2", "c-3"]
    assert day.quarantine.select("source_file", "source_line").rows() == [(f"dt={DAY}/host b/c.jsonl", 2)]

    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/late.parquet", Body=parquet())
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/host b/c.jsonl", Body=line("c-3") + b"\n ")
    after = source.files(DAY)
    assert [file.path for file in after] == [*(file.path for file in files), f"dt={DAY}/late.parquet"]
    assert (after[0].token, after[1].token != files[1].token) == (files[0].token, True)
    assert read_day(source, DAY).counts["conversations"] == 4


def test_prefixes_of_year_month_and_day_are_days_too(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="prod/logs/2026/11/05/a.jsonl", Body=line("c-1"))
    s3.put_object(Bucket=BUCKET, Key="prod/logs/2026/12/31/b/c.jsonl", Body=line("c-2"))
    source = LogSource.at(f"s3://{BUCKET}/prod/logs")
    assert [str(day) for day in source.days()] == ["2026-11-05", "2026-12-31"]
    assert read_day(source, DAY).conversations["source_file"].to_list() == ["2026/11/05/a.jsonl"]


def test_files_outside_the_days_folders_are_placed_and_a_folder_waits_for_its_manifest(s3: Any) -> None:
    end = {"ended_at": "2026-11-06T00:00:00Z"}
    both = line("c-1", started_at="2026-11-05T15:59:59Z", **end) + b"\n" + line("c-2", started_at="2026-11-05T16:00:00Z", **end)
    s3.put_object(Bucket=BUCKET, Key="prod/logs/host/both.jsonl.gz", Body=gzip.compress(both))
    s3.put_object(Bucket=BUCKET, Key="prod/logs/dt=2026-11-07/a.jsonl", Body=line("c-3"))
    s3.put_object(Bucket=BUCKET, Key="prod/logs/2026/11/08/a.jsonl", Body=line("c-4"))
    s3.put_object(Bucket=BUCKET, Key="prod/logs/2026/11/08/_SUCCESS", Body=b"")
    lake = Lake.at(f"s3://{BUCKET}/lake")
    source = LogSource.at(f"s3://{BUCKET}/prod/logs", lake=lake, timezone="Asia/Shanghai", manifest="_SUCCESS")
    assert [day.day for day in source.days()] == [5, 6, 7, 8]
    read = [read_day(source, DAY.replace(day=day), timezone="Asia/Shanghai").conversations for day in (5, 6)]
    assert [frame["conversation_id"].to_list() for frame in read] == [["c-1"], ["c-2"]]
    assert lake.read("log_files")["path"].to_list() == ["host/both.jsonl.gz"]
    found = arrived(source, time.time() + 100, 60)
    assert found.held == {"2026-11-07": "dt=2026-11-07 has no _SUCCESS yet"}
    cursor, ready = look(LogCursor(), found)
    assert list(ready) == ["2026-11-05", "2026-11-06", "2026-11-08"]
    s3.put_object(Bucket=BUCKET, Key="prod/logs/dt=2026-11-07/_SUCCESS", Body=b"")
    assert sorted(arrived(source, time.time(), 60).held) == ["2026-11-05", "2026-11-06", "2026-11-07", "2026-11-08"]
    assert list(look(cursor, arrived(source, time.time() + 100, 60))[1]) == ["2026-11-07"]


def parquet() -> bytes:
    stream = BytesIO()
    pl.DataFrame([record("c-9")]).write_parquet(stream)
    return stream.getvalue()


def test_tables_are_replaced_and_read(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"logs/dt={DAY}/a.jsonl", Body=line("c-1") + b"\n" + line("c-2") + b"\n{")
    day = read_day(LogSource.at(f"s3://{BUCKET}/logs"), DAY)
    lake = Lake.at(f"s3://{BUCKET}/lake")
    assert lake.read("conversations").is_empty()
    for _ in range(2):
        lake.replace("conversations", day.conversations, DAY)
        lake.replace("quarantine", day.quarantine, DAY)
    assert lake.read("conversations", DAY).sort("conversation_id").equals(day.conversations)
    assert lake.read("quarantine", DAY).equals(day.quarantine)
    lake.replace("conversations", day.conversations.head(0), DAY)
    assert lake.read("conversations").is_empty()
    assert lake.read("conversations", version=1).height == 2


def test_knowledge_is_read_from_a_prefix_and_from_one_object(s3: Any) -> None:
    assert load_knowledge(f"s3://{BUCKET}/knowledge").is_empty()
    unit = json.dumps({"id": "k-1", "title": "Refunds", "content": "7 days"}).encode()
    s3.put_object(Bucket=BUCKET, Key="knowledge/a.jsonl", Body=unit)
    for uri in (f"s3://{BUCKET}/knowledge", f"s3://{BUCKET}/knowledge/a.jsonl"):
        assert load_knowledge(uri).rows() == [("k-1", "Refunds", "7 days")]


@pytest.mark.parametrize("uri", ["s3://nowhere-at-all/logs", f"s3://{BUCKET}/wrong/prefix"])
def test_a_wrong_bucket_or_prefix_is_named(s3: Any, uri: str) -> None:
    for question in (LogSource.at(uri).days, LogSource.at(uri).listing, lambda: LogSource.at(uri).files(DAY)):
        with pytest.raises(SourceError) as caught:
            question()
        assert uri in caught.value.message
        assert "check WOW_LOGS_URI" in caught.value.hint


def test_no_credentials_are_named(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SourceError, match="AWS_ACCESS_KEY_ID"):
        LogSource.at(f"s3://{BUCKET}/logs").days()


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_refused_credentials_are_named(code: str) -> None:
    from botocore.exceptions import ClientError
    from s3fs.errors import translate_boto_error

    error = translate_boto_error(ClientError({"Error": {"Code": code, "Message": "no"}}, "ListObjectsV2"))
    with (
        pytest.raises(SourceError, match=rf"access denied \({code}\) → check AWS_ACCESS_KEY_ID"),
        storage_errors("s3://b/logs", "WOW_LOGS_URI"),
    ):
        raise error


def test_an_endpoint_that_is_down_may_be_tried_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageUnavailable, match="AWS_ENDPOINT_URL"):
        LogSource.at(f"s3://{BUCKET}/logs").days()
