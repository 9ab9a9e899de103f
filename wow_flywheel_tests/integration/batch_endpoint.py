"""An endpoint on loopback with `/files` and `/batches` beside `/chat/completions`; batches end when the test says so."""

import asyncio
import json
import threading
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from wow_flywheel_tests.integration.faulty_endpoint import Answer, Body


class BatchEndpoint:
    """The endpoint; a context manager.

    Attributes:
        files: Content by id of the files that are there.
        batches: Batches by id.
        direct: Questions that were asked directly.
        lines: Lines of all batches, as handed in.
        bad_keys: Custom ids whose line fails.
        fails_with: The code with which every batch fails at once; empty lets them wait for `end`.
        ascii_only: False leaves signs beyond ASCII in result files as they are.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, Body] = {}
        self.direct: list[Body] = []
        self.lines: list[Body] = []
        self.bad_keys: set[str] = set()
        self.fails_with = ""
        self.ascii_only = True
        self.names: dict[str, str] = {}
        self.taken = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self._port}/v1"

    def end(self, status: str = "completed", answered: int | None = None) -> None:
        """End all batches: answer their lines, or the first so many of each."""
        for batch in self.batches.values():
            if batch["status"] != "in_progress":
                continue
            batch["status"] = status
            lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
            good = [line for line in lines if line["custom_id"] not in self.bad_keys][:answered]
            batch["output_file_id"] = self._file([self._answered(line) for line in good])
            rest = [line for line in lines if line not in good]
            if rest:
                batch["error_file_id"] = self._file([self._unanswered(line, status) for line in rest])

    def _answered(self, line: Body) -> Body:
        body = _completion(self.answer(line["body"]))
        return {"id": "r", "custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}

    def _unanswered(self, line: Body, status: str) -> Body:
        if status == "expired" and line["custom_id"] not in self.bad_keys:
            return {"custom_id": line["custom_id"], "response": None, "error": {"code": "batch_expired", "message": "late"}}
        return {"custom_id": line["custom_id"], "response": {"status_code": 400, "body": {}}, "error": None}

    def _file(self, lines: list[Body]) -> str:
        key = f"file-{len(self.files)}-{len(self.lines)}"
        self.files[key] = "\n".join(json.dumps(line, ensure_ascii=self.ascii_only) for line in lines).encode()
        return key

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files", self._uploaded)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_delete("/v1/files/{id}", self._delete)
        app.router.add_post("/v1/batches", self._create)
        app.router.add_get("/v1/batches", self._list)
        app.router.add_get("/v1/batches/{id}", self._retrieve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.direct.append(body)
        return web.json_response(_completion(self.answer(body)))

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        upload = form["file"]
        assert isinstance(upload, web.FileField)
        assert form["purpose"] == "batch"
        key = f"input-{len(self.batches) + self.taken}"
        self.files[key], self.names[key] = upload.file.read(), upload.filename
        return web.json_response(_file(key))

    async def _uploaded(self, _: web.Request) -> web.Response:
        data = [_file(key) | {"filename": name} for key, name in self.names.items() if key in self.files]
        return web.json_response({"object": "list", "data": data, "has_more": False})

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def _delete(self, request: web.Request) -> web.Response:
        if self.files.pop(request.match_info["id"], None) is None:
            return web.json_response({"error": {"message": "gone"}}, status=404)
        return web.json_response({"id": request.match_info["id"], "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        assert (asked["endpoint"], asked["completion_window"]) == ("/v1/chat/completions", "24h")
        self.lines += [json.loads(line) for line in self.files[asked["input_file_id"]].splitlines()]
        batch = {"id": f"batch-{len(self.batches)}", "object": "batch", "created_at": 0, "status": "in_progress", **asked}
        if self.fails_with:
            data = [{"code": self.fails_with, "message": "too much at once", "line": None, "param": None}]
            batch |= {"status": "failed", "errors": {"object": "list", "data": data}}
        self.batches[batch["id"]] = batch
        return web.json_response(batch)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": list(self.batches.values()), "has_more": False})

    async def _retrieve(self, request: web.Request) -> web.Response:
        return web.json_response(self.batches[request.match_info["id"]])


def _file(key: str) -> Body:
    return {
        "id": key,
        "object": "file",
        "bytes": 1,
        "created_at": 0,
        "filename": "f",
        "purpose": "batch",
        "status": "processed",
    }


def _completion(content: str) -> Body:
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"id": "c1", "choices": choices, "usage": {"prompt_tokens": 100, "completion_tokens": 10}}
