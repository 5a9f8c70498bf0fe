"""litellm as a client of the OpenAI dialect, in an environment of its own, against a real service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.mcp.environments import environment
from tests.support.clips import play
from tests.support.service import RunningService, clean_env
from tests.support.unreliable import Mishap, unreliable

from ..dream_machine.pictures import png

SCRIPT = Path(__file__).parents[1] / "clients/with_litellm.py"


def test_litellm_from_prompts_to_files(service: RunningService, tmp_path: Path, accepted: Callable[[], int]):
    """It makes videos in both of its ways, behind a server that is busy at first, and reads what is refused."""
    command = [environment("litellm") / "python", SCRIPT, tmp_path]
    (tmp_path / "start.png").write_bytes(png())
    before = accepted()
    mishaps = Mishap("POST", "/v1/videos", 503), Mishap("POST", "/v1/videos", 429)
    with unreliable(service.url, *mishaps) as proxy:
        env = clean_env() | {
            "FILMGATE_URL": proxy.url,
            "FILMGATE_API_KEY": service.key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the internet what models cost
        }
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    saw = json.loads(done.stdout.splitlines()[-1])
    videos = [saw["ended"], saw["pictured"], saw["at_once"][0]]
    assert [(video["status"], video["seconds"], video["size"]) for video in videos] == [
        ("completed", "4", "1280x720")
    ] * 3
    assert (saw["submitted"]["status"], saw["remixed"]["status"]) == ("queued", "completed")
    assert play((tmp_path / "film.mp4").read_bytes())[:2] == (1280, 720)
    assert saw["at_once"][1] > 1000
    assert saw["failed"]["error"] == {"code": "moderated", "message": "Not this."}
    refused = saw["refused"]
    assert "seconds must be a whole number" in refused["bad"]["text"]
    assert (refused["stranger"]["status"], "API key" in refused["stranger"]["text"]) == (401, True)
    assert "not_found" in refused["gone"]["text"]
    assert accepted() == before + 5
