"""The published npm library of Luma against a real service."""

from __future__ import annotations

import httpx2

from filmgate.adapters.dialects.dream_machine.requests.vocabulary import CONCEPTS
from tests.support import npm
from tests.support.service import RunningService

from .pictures import look


def test_the_npm_library(node: None, service: RunningService, files: str, http: httpx2.Client):
    """Every method of the library works, and its errors are its own."""
    base = f"{service.url}/dream-machine/v1"
    saw = npm.run("dream_machine.mjs", files, LUMAAI_BASE_URL=base, LUMAAI_API_KEY=service.key)
    assert (saw["queued"]["state"], saw["queued"]["assets"]) == ("queued", None)
    for generation in (saw["first"], saw["second"], *saw["made"].values()):
        assert (generation["state"], generation["generation_type"]) == ("completed", "video")
        assert look(generation["assets"]["image"])[0] == "JPEG"
        assert generation == http.get(f"/dream-machine/v1/generations/{generation['id']}").json()
    for operation, generation in saw["made"].items():
        assert http.get(f"/api/v1/tasks/{generation['id']}").json()["operation"] == operation
    assert look(saw["picture"]["assets"]["image"]) == ("JPEG", (1360, 752))
    assert look(saw["reframed"]["assets"]["image"]) == ("JPEG", (1024, 1024))
    assert (saw["failed"]["state"], saw["failed"]["failure_reason"]) == ("failed", "No.")
    assert (saw["list"]["count"], saw["list"]["limit"], saw["list"]["offset"]) == (2, 2, 1)
    assert saw["list"]["has_more"] is True
    assert saw["concepts"] == list(CONCEPTS)
    assert saw["credits"]["credit_balance"] > 0
    assert saw["pong"] == {"message": "pong"}
    errors = {name: (error["name"], error["status"]) for name, error in saw["refusals"].items()}
    assert errors == {
        "bad": ("BadRequestError", 400),
        "gone": ("NotFoundError", 404),
        "stranger": ("AuthenticationError", 401),
    }
    assert saw["refusals"]["gone"]["body"]["detail"] == "Generation not found"
