"""Links of our own in requests: read from the store, never over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.service import RunningService

from .conftest import client, ended, submit


def test_own_links_are_read_from_the_store(start_service: Callable[..., RunningService]) -> None:
    """A link below an address that nobody serves can be started from, since its file lies here."""
    service = start_service(public_url="https://video.example.com")
    with client(service) as http:
        first = ended(http, submit(http, "a cat"))
        assert first["thumbnail"].startswith("https://video.example.com/media/")
        still = ended(http, submit(http, "goes on", start={"image": first["last_frame"]}))
        assert still["state"] == "completed", still["failure"]
        longer = ended(http, submit(http, "goes on", start={"video": first["video"]["url"]}))
        assert longer["video"]["frames"] == 2 * first["video"]["frames"]
        answer = http.post("/api/v1/tasks", json={"prompt": "x", "start": {"image": first["video"]["url"]}})
        assert answer.status_code == 400
        assert "video/mp4" in answer.json()["error"]["message"]
        http.delete(f"/api/v1/tasks/{first['id']}")
        answer = http.post("/api/v1/tasks", json={"prompt": "x", "start": {"image": first["thumbnail"]}})
        assert answer.status_code == 404
