"""The AI SDK with its provider for Luma, `@ai-sdk/luma`, against a real service."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.support import npm
from tests.support.service import RunningService
from tests.support.unreliable import Mishap, unreliable

KINDS = ("image", "style", "character", "modify_image")


def test_pictures_and_refusals(node: None, service: RunningService, files: str, accepted: Callable[[], int]):
    """It makes pictures, also after pictures of each kind, and behind a server that is busy at first."""
    before = accepted()
    busy = Mishap("POST", "/dream-machine/v1/generations/image", 503)
    with unreliable(service.url, busy) as proxy:
        saw = npm.run("ai_sdk_luma.mjs", proxy.url, files, LUMA_API_KEY=service.key)
    sizes = {name: [size(image) for image in made["images"]] for name, made in saw["made"].items()}
    wide = (1360, 752)
    assert sizes == {"plain": [wide], "tall": [(752, 1360)], "two": [wide, wide], "unused": [wide]} | {
        kind: [wide] for kind in KINDS
    }
    assert [warning["feature"] for warning in saw["made"]["unused"]["warnings"]] == ["seed", "size"]
    refused = saw["refused"]
    assert {refused[kind]["data"]["failure_reason"] for kind in KINDS} == {
        "The engine studio cannot be guided by further pictures."
    }
    assert refused["failed"]["data"]["failure_reason"] == "Not this."
    assert said(refused["short"]) == (400, "Prompt is too short, minimum length is 3 characters")
    assert said(refused["stranger"])[0] == 401
    assert "API key" in said(refused["stranger"])[1]
    assert accepted() == before + 9 + 1 + len(KINDS)


def size(image: str) -> tuple[int, int]:
    """Return the size of a picture in base64."""
    return Image.open(io.BytesIO(base64.b64decode(image))).size


def said(error: dict[str, Any]) -> tuple[int, str]:
    """Return the status and the sentence of an error; its own message is only the phrase of the status."""
    assert error["name"] == "AI_APICallError"
    return error["statusCode"], json.loads(error["responseBody"])["detail"]
