"""The page over HTTP: who gets in, what is refused, what is shown, and what a decision leaves in the lake."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from wow_flywheel.contracts import STALE_CASES
from wow_flywheel.lake import Lake
from wow_flywheel.review.access import HEADERS, IDLE_SECONDS, Access
from wow_flywheel.review.app import LARGEST_BODY, create_app
from wow_flywheel.review.desk import Desk
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, frame
from wow_flywheel_tests.unit.review.world import fill

PORT = 8070
HERE = f"http://127.0.0.1:{PORT}"
ORIGIN = {"origin": HERE}
CASE = {"dt": str(DAY), "id": "plain/#1"}
URL = "/case?dt=2026-03-02&id=plain%2F%231"


class Clock:
    """Minutes pass from decision to decision."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> dt.datetime:
        self.seconds += 60
        return NOON + dt.timedelta(seconds=self.seconds)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return fill(Lake(str(tmp_path / "lake")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access(PORT, clock=lambda: clock.seconds)


@pytest.fixture
def client(lake: Lake, access: Access, clock: Clock) -> TestClient:
    return TestClient(create_app(Desk(lake, DAY, DAY), access, clock.now), HERE, follow_redirects=False)


@pytest.fixture
def ana(client: TestClient, access: Access) -> TestClient:
    enter(client, access, "ana")
    return client


def enter(client: TestClient, access: Access, name: str) -> Any:
    token = access.new_link().partition("token=")[2]
    return client.post("/login", data={"token": token, "name": name}, headers=ORIGIN)


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(URL).text)
    assert found
    return found[1]


def post(client: TestClient, path: str, **fields: str) -> Any:
    return client.post(path, data={**CASE, "csrf": csrf(client), **fields}, headers=ORIGIN)


def finding_key(client: TestClient) -> str:
    found = re.search(r'name="finding" value="([^"]+)"', client.get(URL).text)
    assert found
    return found[1]


def test_without_the_cookie_nothing_is_shown_and_nothing_can_be_done(client: TestClient, lake: Lake) -> None:
    for path in ("/", "/queue", URL):
        answer = client.get(path)
        assert answer.status_code == 401
        assert "refund" not in answer.text
    assert client.post("/label", data={**CASE, "label": "good"}, headers=ORIGIN).status_code == 401
    assert lake.read("decisions").is_empty()


def test_a_link_lets_one_browser_in_once(client: TestClient, access: Access) -> None:
    url = access.new_link()
    assert client.get(url).status_code == 200
    assert client.get(url).status_code == 200, "looking at the link, as previews do, does not use it up"
    entered = client.post("/login", data={"token": url.partition("token=")[2], "name": "ana"}, headers=ORIGIN)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].lower()
    assert cookie.startswith(f"wow_review_{PORT}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    client.cookies.clear()
    assert client.get(url).status_code == 403
    assert client.post("/login", data={"token": url.partition("token=")[2], "name": "eve"}, headers=ORIGIN).status_code == 403
    assert client.get("/login?token=").status_code == 403


@pytest.mark.parametrize("name", ["", "   ", "a\u202eb", "n" * 81])
def test_a_reviewer_has_a_name_that_can_be_read(client: TestClient, access: Access, name: str) -> None:
    assert enter(client, access, name).status_code == 422
    assert client.get("/").status_code == 401


def test_a_session_ends_when_idle_or_signed_out(ana: TestClient, access: Access, clock: Clock) -> None:
    assert ana.get("/").status_code == 303
    clock.seconds += IDLE_SECONDS
    assert ana.get("/").status_code == 401
    enter(ana, access, "ana")
    post(ana, "/logout")
    assert ana.get("/").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8070", "127.0.0.1", "127.0.0.1:81", "localhost.evil.example:8070"]
)
def test_a_foreign_name_for_this_machine_is_refused(ana: TestClient, host: str) -> None:
    answer = ana.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert answer.headers["x-frame-options"] == "DENY"
    assert ana.get("/", headers={"host": f"localhost:{PORT}"}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({"origin": "null"}, None),
        ({"origin": "http://evil.example"}, None),
        ({"origin": "http://127.0.0.1:9999"}, None),
        ({**ORIGIN, "sec-fetch-site": "cross-site"}, None),
        ({**ORIGIN, "sec-fetch-site": "same-site"}, None),
        (ORIGIN, ""),
        (ORIGIN, "guessed"),
    ],
)
def test_another_page_cannot_decide(ana: TestClient, lake: Lake, headers: dict[str, str], token: str | None) -> None:
    fields = {**CASE, "label": "good", "csrf": csrf(ana) if token is None else token}
    assert ana.post("/label", data=fields, headers=headers).status_code == 403
    assert lake.read("decisions").is_empty()


def test_forms_only_of_a_fair_size(ana: TestClient) -> None:
    assert ana.post("/label", json=CASE, headers=ORIGIN).status_code == 415
    assert ana.post("/label", data={"x": "y" * LARGEST_BODY}, headers=ORIGIN).status_code == 413
    assert ana.get("/label").status_code == 405
    assert ana.get("/static/..%2Fapp.py").status_code == 404
    assert ana.get("/case?dt=yesterday&id=a").status_code == 400
    assert ana.get("/case?dt=2026-03-02&id=nobody").status_code == 404


def test_every_answer_carries_the_headers_and_every_text_is_escaped(ana: TestClient) -> None:
    answer = ana.get(URL)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script>alert" not in answer.text
    assert answer.text.count("&lt;script&gt;alert(1)") == 2, "in the talk, and in what the inspector explains"
    assert "\u202e" not in answer.text
    assert '<span class="escape" title="a character that cannot be seen">\\u202e</span>' in answer.text
    assert "你好，退款" in answer.text
    assert re.search(r'<mark class="major accepted" data-findings="0">9 days</mark>', answer.text)
    assert not re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", answer.text)
    assert not re.search(r"""\son\w+=|style=""", answer.text)


def test_a_label_is_saved_with_name_and_time_and_the_next_case_comes(ana: TestClient, lake: Lake) -> None:
    assert ana.get("/").headers["location"] == "/case?dt=2026-03-02&id=torn"
    answer = post(ana, "/label", id="torn", label="good", note="call 13812345678")
    assert (answer.status_code, answer.headers["location"]) == (303, URL)
    row = lake.read("decisions").row(0, named=True)
    assert (row["conversation_id"], row["label"], row["decided_by"], row["note"]) == ("torn", "good", "ana", "call <PHONE_1>")
    assert row["decided_at"] == NOON + dt.timedelta(minutes=1)
    assert "Saved: torn is good" in ana.get(URL).text
    assert "Saved" not in ana.get(URL).text


def test_a_wrong_label_changes_nothing_and_says_why(ana: TestClient, lake: Lake) -> None:
    answer = post(ana, "/label", label="lovely")
    assert answer.status_code == 422
    assert "&#39;lovely&#39; is no label" in answer.text
    assert lake.read("decisions").is_empty()


def test_a_finding_is_rejected_and_then_accepted_by_another_and_both_are_shown(
    ana: TestClient, access: Access, lake: Lake
) -> None:
    answer = post(ana, "/finding", finding=finding_key(ana), decision="rejected", note="it was said before")
    assert answer.headers["location"] == f"{URL}#finding-0"
    assert "does not" in ana.get(URL).text
    ana.cookies.clear()
    enter(ana, access, "bo")
    post(ana, "/finding", finding=finding_key(ana), decision="accepted")
    found = lake.read("finding_decisions").sort("decided_at")
    assert found.select("turn", "issue_type", "quote", "decision", "decided_by").rows() == [
        (3, "hallucination", "9 days", "rejected", "ana"),
        (3, "hallucination", "9 days", "accepted", "bo"),
    ]
    page = ana.get(URL).text
    assert "People decided differently; the latest counts." in page
    assert 'class="finding major accepted"' in page
    assert post(ana, "/finding", finding="0" * 20, decision="accepted").status_code == 422


def test_a_rewrite_is_saved_as_dialogue_action_without_personal_values(ana: TestClient, lake: Lake) -> None:
    fields = {"turn": "3", "issue_type": "hallucination", "reply": "It is done.\r\nMail x@y.org", "action": "", "note": ""}
    assert post(ana, "/rewrite", **fields).headers["location"] == f"{URL}#turn-3"
    row = lake.read("rewrite_edits").row(0, named=True)
    assert row["chosen"] == '{"knowledge":[],"reply":"It is done.\\nMail <EMAIL_1>","action":null}'
    assert (row["turn"], row["issue_type"], row["decided_by"]) == (3, "hallucination", "ana")
    assert "should have been said, by ana" in ana.get(URL).text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reply": "Done. It takes 9 days  😀 to arrive."}, "this is what was said"),
        ({"reply": " "}, "neither says nor does anything"),
        ({"reply": '{"reply": 3}'}, "the rewrite cannot be read: reply"),
        ({"action": '{"arguments": {}}'}, "the action cannot be read: name"),
        ({"reply": "x", "turn": "0"}, "turn 0 cannot be rewritten"),
        ({"reply": "x", "issue_type": "rude"}, "is no issue type"),
    ],
)
def test_a_bad_rewrite_is_refused_with_the_reason_and_what_was_typed_stays(
    ana: TestClient, lake: Lake, fields: dict[str, str], told: str
) -> None:
    answer = post(ana, "/rewrite", **({"turn": "3", "issue_type": "hallucination", "reply": "", "action": ""} | fields))
    assert answer.status_code == 422
    assert told in answer.text
    assert lake.read("rewrite_edits").is_empty()
    if fields.get("turn") is None and "reply" in fields and fields["reply"].strip():
        assert fields["reply"].replace('"', "&#34;") in answer.text


def test_when_all_is_decided_the_queue_says_so(ana: TestClient) -> None:
    for key in ("sure", "torn", "plain/#1"):
        fields = {"dt": str(DAY), "id": key, "csrf": csrf(ana), "label": "good"}
        answer = ana.post("/label", data=fields, headers=ORIGIN)
    assert answer.headers["location"] == "/"
    assert "Nothing waits." in ana.get("/").text
    post(ana, "/refresh")
    assert "0 waiting" in ana.get("/queue").text


def test_a_case_that_a_changed_policy_made_stale_says_so(ana: TestClient, lake: Lake) -> None:
    assert "Stale:" not in ana.get(URL).text
    mark = {"conversation_id": CASE["id"], "policy_id": "<late>", "why": "changed", "marked_at": NOON}
    lake.replace("stale_cases", frame(STALE_CASES, mark), DAY)
    assert "Stale: the policy &lt;late&gt; has changed since this was judged." in ana.get(URL).text
