"""Texts that hold a NUL, and turns that say nothing: they stay as they were logged."""

from pathlib import Path

from wow_flywheel_tests.unit.conversations.logs import line, read, write


def test_a_nul_and_turns_that_say_nothing_stay_as_they_were_logged(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "a\x00b, mail ann@x.com\x00"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": None},
        {"role": "user", "content": []},
    ]
    write(tmp_path, line("c-1", messages=messages) + b"\n" + line("c-2", messages=[{"role": "user"}]))
    day = read(tmp_path)
    assert day.counts["quarantined"] == 0
    first, second = ([each["content"] for each in said] for said in day.conversations["messages"])
    assert first == ["a\x00b, mail <EMAIL_1>\x00", "", None, ""]
    assert second == [None]
