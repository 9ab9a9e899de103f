"""The endpoint of the inspection benchmark, in a process of its own: every call takes 200 ms and gets the same answer.

What belongs here: the server. What does not: clients (`inspection`). It is aiohttp's own server, so that it takes little of the
two cores; `python -m benchmarks.inspection_endpoint <port>` ends with its standard input.
"""

import asyncio
import json
import sys

from aiohttp import web

LATENCY_S = 0.2
ANSWER = {"claims": []}
BODY = json.dumps(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 0,
        "model": "judge",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": json.dumps(ANSWER)},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 700, "completion_tokens": 10, "total_tokens": 710},
    }
).encode()


async def complete(request: web.Request) -> web.Response:
    """Answer after the latency."""
    await request.read()
    await asyncio.sleep(LATENCY_S)
    return web.Response(body=BODY, content_type="application/json")


async def serve(port: int) -> None:
    """Serve until the standard input ends."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
