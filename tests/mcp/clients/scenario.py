"""What an agent does here, whatever client it has: run inside a client's own environment, it prints what it saw.

The scripts beside it are called with a transport, `http` or `stdio`. FILMGATE_URL and FILMGATE_API_KEY say where the
service is; for `stdio` the rest of the arguments is the command to start.
"""

import json
import os
import sys

URL = os.environ["FILMGATE_URL"] + "/mcp"
KEY = os.environ["FILMGATE_API_KEY"]
TRANSPORT, COMMAND = sys.argv[1], sys.argv[2:]


class Caller:
    """Calls tools; `send` is the client's way, which gives structured content, text and whether it is an error."""

    def __init__(self, send):
        self.send = send
        self.progress = []

    async def __call__(self, tool, **arguments):
        """Return the structured content of a call that succeeds."""
        structured, text, failed = await self.send(tool, arguments, self.heard)
        assert not failed, text
        assert json.loads(text) == structured
        return structured

    async def refused(self, tool, **arguments):
        """Return the error of a call that does not."""
        structured, text, failed = await self.send(tool, arguments, self.heard)
        assert failed
        assert structured is None
        return json.loads(text)["error"]

    async def heard(self, progress, total=None, message=None):
        """Take note of progress."""
        self.progress.append([progress, total, message])


async def scenario(send):
    """From prompts to files: one alone, two in a batch, one that goes on, one that fails, and one nobody knows."""
    call = Caller(send)
    task = await call("luma_generate_video", prompt="waves [delay=3][steps=6]", aspect_ratio="9:16", duration=1)
    first = await call("luma_wait_task", task_id=task["task_id"], timeout_seconds=50)
    ids = [(await call("luma_generate_video", prompt=f"number {n}", duration=1))["task_id"] for n in (1, 2)]
    for task_id in ids:
        await call("luma_wait_task", task_id=task_id)
    batch = await call("luma_get_tasks_batch", task_ids=ids)
    task = await call("luma_extend_video", video_id=first["video_id"], prompt="and on")
    longer = await call("luma_wait_task", task_id=task["task_id"])
    task = await call("luma_generate_video", prompt="[fail=moderated: Not this.]")
    failed = await call("luma_wait_task", task_id=task["task_id"])
    unknown = await call.refused("luma_get_task", task_id="00000000-0000-7000-8000-000000000000")
    return {
        "first": first,
        "progress": call.progress,
        "ids": ids,
        "batch": batch,
        "longer": longer,
        "failed": failed,
        "unknown": unknown,
    }


def told(saw):
    """Print what was seen."""
    print(json.dumps(saw))


def innermost(error):
    """Return the error inside the groups that task groups make."""
    while hasattr(error, "exceptions"):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
