"""Make videos with litellm as a client: submit, poll, download, and be refused; prints what was seen as JSON.

Run inside litellm's own environment with a folder; FILMGATE_URL and FILMGATE_API_KEY say where the service is.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import litellm

FOLDER = Path(sys.argv[1])
SERVICE = {"api_base": os.environ["FILMGATE_URL"] + "/v1", "api_key": os.environ["FILMGATE_API_KEY"]}
OPTIONS = SERVICE | {"custom_llm_provider": "openai"}
FORM = {"model": "openai/sora-2", "seconds": "4", "size": "1280x720"}


def shown(video):
    """Return what a video says."""
    return {"id": video.id, "status": video.status, "seconds": video.seconds, "size": video.size, "error": video.error}


def refusal(call, **arguments):
    """Return the error of a call that is refused."""
    try:
        call(**arguments)
    except Exception as error:  # noqa: BLE001 - what the library makes of a refusal is what is looked at
        return {"name": type(error).__name__, "status": getattr(error, "status_code", None), "text": str(error)}
    raise AssertionError("nothing was refused")


def ended(video):
    """Poll until a video has ended."""
    while video.status in ("queued", "in_progress"):
        time.sleep(0.3)
        video = litellm.video_status(video_id=video.id, **OPTIONS)
    return video


async def at_once():
    """Make a video with the asynchronous functions, and the router, which is what submits again."""
    film = {"model_name": "film", "litellm_params": {"model": FORM["model"], **SERVICE}}
    router = litellm.Router(model_list=[film], num_retries=2)
    video = await router.avideo_generation(prompt="at once", **FORM | {"model": "film"})
    while video.status in ("queued", "in_progress"):
        await asyncio.sleep(0.3)
        video = await litellm.avideo_status(video_id=video.id, **OPTIONS)
    content = await litellm.avideo_content(video_id=video.id, **OPTIONS)
    return shown(video), len(content)


def main():
    """Do everything once."""
    saw = {"at_once": asyncio.run(at_once())}
    first = litellm.video_generation(prompt="[delay=1] a river", **FORM, **SERVICE)
    saw |= {"submitted": shown(first), "ended": shown(ended(first))}
    (FOLDER / "film.mp4").write_bytes(litellm.video_content(video_id=first.id, **OPTIONS))
    with (FOLDER / "start.png").open("rb") as picture:
        saw["pictured"] = shown(ended(litellm.video_generation(prompt="a", input_reference=picture, **FORM, **SERVICE)))
    saw["remixed"] = shown(ended(litellm.video_remix(video_id=first.id, prompt="at night", **OPTIONS)))
    saw["failed"] = shown(ended(litellm.video_generation(prompt="[fail=moderated: Not this.]", **FORM, **SERVICE)))
    wrong = {**FORM, "seconds": "forever"}
    saw["refused"] = {
        "bad": refusal(litellm.video_generation, prompt="a", **wrong, **SERVICE),
        "stranger": refusal(litellm.video_generation, prompt="a", **FORM, **SERVICE | {"api_key": "wrong"}),
        "gone": refusal(litellm.video_status, video_id="00000000-0000-7000-8000-000000000000", **OPTIONS),
    }
    print(json.dumps(saw))


main()
