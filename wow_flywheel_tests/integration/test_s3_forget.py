"""Forgetting a person in a lake in S3: no object holds them afterwards."""

from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.forget.erase import forget
from wow_flywheel.lake import Lake
from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.settings import Settings
from wow_flywheel_tests.integration.test_s3_logs_and_lake import BUCKET, endpoint, s3
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, frame
from wow_flywheel_tests.unit.inspection.talk import agent, user

__all__ = ["endpoint", "s3"]
WORDS = "zebra-striped umbrella"


def held(client: Any) -> list[str]:
    """The objects that hold the words, Parquet read as rows."""
    found = []
    for each in client.list_objects_v2(Bucket=BUCKET)["Contents"]:
        data = client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
        shown = str(pl.read_parquet(BytesIO(data)).to_dicts()).encode() if each["Key"].endswith(".parquet") else b""
        if WORDS.encode() in data + shown or b"ann-lee" in data + shown:
            found.append(each["Key"])
    return found


def test_no_object_holds_the_person_afterwards(s3: Any, tmp_path: Path) -> None:
    lake = Lake.at(f"s3://{BUCKET}/lake")
    rows = [
        {"conversation_id": name, "user_id": who, "scenario": "s", "started_at": NOON, "ended_at": NOON, "source_file": "a",
         "messages": [user(f"Where is my {what}?"), agent("It is late.")]}
        for name, who, what in (("c1", "ann-lee", WORDS), ("c2", "bo", "tea"))
    ]  # fmt: skip
    talks = frame(CONVERSATIONS, *rows)
    for _ in range(2):
        lake.replace("conversations", talks, DAY)
        lake.replace("fingerprints", fingerprints(talks), DAY)
    Ledger.at(lake.uri).put("aa1", Entry("judge", WORDS, "stop", 1, 1, 0.0, 0.1, "2026", "c1"))
    assert len(held(s3)) > 4
    settings = Settings.from_env({"WOW_LOGS_URI": f"s3://{BUCKET}/logs", "WOW_MODELS_URI": str(tmp_path)})
    done = forget(lake, settings, "ann-lee", NOON)
    assert held(s3) == []
    assert (done.rows, done.ledger_entries, done.sources) == ({"conversations": 1, "fingerprints": 1}, 1, ["a"])
    assert lake.read("conversations")["conversation_id"].to_list() == ["c2"]
