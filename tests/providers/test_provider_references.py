"""What a task refers to, as each type of provider is given it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.providers.clients import URI
from tests.providers.conftest import FAST
from tests.providers.recorder import Recorder, Seen, recorder
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("provider references")

TYPES = ("dream_machine", "agents", "acedata", "gateway", "openai_videos")
BY_ADDRESS = ("dream_machine", "acedata")
SENT_ALONG = ("agents", "gateway", "openai_videos")
PUBLIC = "http://gate.example"


class Front:
    """A service whose models are made by a recorder, once for each type of provider."""

    def __init__(self, running: RunningService, provider: Recorder, http: httpx2.Client) -> None:
        self.running = running
        self.provider = provider
        self.http = http

    def submit(self, kind: str, prompt: str, **more: Any) -> dict[str, Any]:
        """Submit a task that a type of provider makes."""
        answer = self.http.post("/api/v1/tasks", json={"prompt": prompt, "model": f"by-{kind}", **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def upload(self) -> str:
        """Keep a picture and give its link."""
        answer = self.http.post("/luma/generations/file_upload", json={"url": URI})
        return str(answer.json()["public_url"])

    def sent(self, prompt: str) -> Seen:
        """Wait for the request that a task became; there is only one."""
        (found,) = until(lambda: self._about(prompt), bool)
        return found

    def unsent(self, kind: str, prompt: str, **more: Any) -> dict[str, Any]:
        """Submit a task that ends before anything is asked of the provider, and give its failure."""
        task = self.ended(self.submit(kind, prompt, **more))
        assert task["state"] == "failed"
        assert self._about(prompt) == []
        failure: dict[str, Any] = task["failure"]
        return failure

    def ended(self, task: dict[str, Any]) -> dict[str, Any]:
        """Wait for the end of a task."""
        found = self.http.get(f"/api/v1/tasks/{task['id']}", params={"wait": 40}).json()
        assert found["state"] in ("completed", "failed"), found
        return found

    def completed(self, kind: str, prompt: str) -> dict[str, Any]:
        """Let a provider make a task."""
        task = self.ended(self.submit(kind, f"{prompt} [done]"))
        assert task["state"] == "completed", task
        return task

    def _about(self, prompt: str) -> list[Seen]:
        return [each for each in self.provider.submits if prompt.encode() in each.body]


def in_front(running: RunningService, provider: Recorder) -> Iterator[Front]:
    """Serve with a client, then stop and look into the log."""
    with httpx2.Client(base_url=running.url, headers=running.headers, timeout=60) as http:
        yield Front(running, provider, http)
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text(), running.log.read_text()[-8000:]


def tables(provider: Recorder) -> str:
    """Return an engine of each type, and each again with the provider at an address that is not this machine's."""
    engines = {}
    for kind in TYPES:
        table = {"type": kind, **FAST, **({"batch": 1} if kind == "gateway" else {})}
        engines[kind] = {**table, "base_url": provider.url, "models": [f"by-{kind}"]}
        engines[f"far-{kind}"] = {**table, "base_url": f"http://0.0.0.0:{provider.port}", "models": [f"by-far-{kind}"]}
    return json.dumps(engines)


@pytest.fixture(scope="module")
def provider() -> Iterator[Recorder]:
    """A provider on this machine."""
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def front(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A service on the same machine, without a public address."""
    data = tmp_path_factory.mktemp("front") / "data"
    yield from in_front(RunningService(data, engines=tables(provider)).start(), provider)


@pytest.fixture(scope="module")
def public(provider: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A service with a public address."""
    data = tmp_path_factory.mktemp("public") / "data"
    yield from in_front(RunningService(data, engines=tables(provider), public_url=PUBLIC).start(), provider)


def picture_in(kind: str, seen: Seen) -> str | bytes:
    """Return the picture to start from as a provider was sent it: an address, or the bytes."""
    if kind == "openai_videos":
        return seen.body.partition(b'name="input_reference"')[2].partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
    if kind == "agents":
        return base64.b64decode(seen.json["video"]["start_frame"]["data"])
    if kind == "gateway":
        return base64.b64decode(seen.json["image_url"].removeprefix("data:image/png;base64,"))
    frame = seen.json.get("start_image_url") or seen.json["keyframes"]["frame0"]["url"]
    assert isinstance(frame, str)
    return frame


def is_our_picture(kind: str, given: str | bytes) -> bool:
    """Return whether a provider was given the picture: as our address, which serves it, or as our own file of it."""
    data = httpx2.get(given).content if isinstance(given, str) else given
    return data.startswith(b"\x89PNG") and (kind in BY_ADDRESS) == isinstance(given, str)


@pytest.mark.parametrize("kind", TYPES)
def test_a_data_uri_becomes_an_address_of_ours_or_is_sent_along(front: Front, kind: str):
    """A provider on this machine is given an address that it can reach; who takes files is given the file."""
    prompt = f"from data by {kind}"
    front.submit(kind, prompt, start={"image": URI})
    given = picture_in(kind, front.sent(prompt))
    assert is_our_picture(kind, given)
    if isinstance(given, str):
        assert given.startswith(f"{front.running.url}/media/")


@pytest.mark.parametrize("kind", TYPES)
def test_a_link_of_ours_is_given_like_a_picture_of_ours(front: Front, kind: str):
    """An upload can be referred to by its link."""
    uploaded = front.upload()
    prompt = f"from an upload by {kind}"
    front.submit(kind, prompt, start={"image": uploaded})
    given = picture_in(kind, front.sent(prompt))
    assert is_our_picture(kind, given)
    if isinstance(given, str):
        assert given == uploaded


@pytest.mark.parametrize("kind", TYPES)
def test_a_foreign_address_is_given_as_it_is_or_fetched(front: Front, kind: str):
    """Who takes files is sent one that we have fetched and written anew, of which nothing stays here."""
    prompt, address = f"from elsewhere by {kind}", f"{front.provider.url}/picture.png"
    task = front.submit(kind, prompt, start={"image": address})
    given = picture_in(kind, front.sent(prompt))
    if kind in BY_ADDRESS:
        assert given == address
    else:
        assert is_our_picture(kind, given)
        until(lambda: [*front.running.data.glob(f"media/{task['id']}/*")], lambda files: not files)


@pytest.mark.parametrize("kind", TYPES)
def test_a_task_of_the_same_account_is_named_by_its_id(front: Front, kind: str):
    """The provider goes on from its own video, whatever we call the task."""
    made = front.completed(kind, f"first by {kind}")
    prompt = f"and on by {kind}"
    front.submit(kind, prompt, start={"task": made["id"]})
    seen = front.sent(prompt)
    where = {
        "dream_machine": lambda: seen.json["keyframes"]["frame0"],
        "agents": lambda: seen.json["video"]["start_frame"],
        "acedata": lambda: seen.json["video_id"],
        "gateway": lambda: seen.path,
        "openai_videos": lambda: seen.body.decode().partition('name="video[id]"')[2].split()[0],
    }[kind]()
    ours = front.provider.id_of(f"first by {kind}")
    assert (
        where
        == {
            "dream_machine": {"type": "generation", "id": ours},
            "agents": {"generation_id": ours},
            "acedata": ours,
            "gateway": f"/luma/generations/{ours}/extend",
            "openai_videos": ours,
        }[kind]
    )


@pytest.mark.parametrize("kind", TYPES)
def test_a_task_of_another_engine_is_given_as_its_video_where_that_is_taken(front: Front, kind: str):
    """Who cannot go on from foreign videos says so before anything is asked of it."""
    made = front.completed("acedata" if kind != "acedata" else "gateway", f"elsewhere for {kind}")
    prompt, start = f"on from it by {kind}", {"task": made["id"]}
    if kind in ("acedata", "openai_videos"):
        front.submit(kind, prompt, start=start)
        seen = front.sent(prompt)
        whole = httpx2.get(made["video"]["url"]).content
        assert httpx2.get(seen.json["video_url"]).content == whole if kind == "acedata" else whole in seen.body
    else:
        assert front.unsent(kind, prompt, start=start)["code"] == "unsupported_by_engine"


@pytest.mark.parametrize("kind", BY_ADDRESS)
def test_a_provider_elsewhere_needs_a_public_address(front: Front, kind: str):
    """Without one the task fails clearly, and the provider has heard nothing."""
    failure = front.unsent(f"far-{kind}", f"far away by {kind}", start={"image": URI})
    assert failure["code"] == "unsupported_by_engine"
    assert "FILMGATE_PUBLIC_URL" in failure["message"]


@pytest.mark.parametrize("kind", SENT_ALONG)
def test_who_takes_files_needs_no_public_address(front: Front, kind: str):
    """The picture is sent along, wherever the provider is."""
    prompt = f"far away by {kind}"
    front.submit(f"far-{kind}", prompt, start={"image": URI})
    assert is_our_picture(kind, picture_in(kind, front.sent(prompt)))


@pytest.mark.parametrize("kind", BY_ADDRESS)
def test_what_lies_elsewhere_needs_no_address_of_ours(front: Front, kind: str):
    """A foreign picture has an address already."""
    prompt = f"far and foreign by {kind}"
    front.submit(f"far-{kind}", prompt, start={"image": "https://cdn.example/a.png"})
    assert picture_in(kind, front.sent(prompt)) == "https://cdn.example/a.png"


@pytest.mark.parametrize("kind", BY_ADDRESS)
def test_a_public_address_is_given_to_a_provider_elsewhere(public: Front, kind: str):
    """What is ours is given below it, and so is the callback, which names the submit as its key does."""
    prompt = f"in public by {kind}"
    public.submit(f"far-{kind}", prompt, start={"image": URI})
    seen = public.sent(prompt)
    given = picture_in(kind, seen)
    assert isinstance(given, str)
    assert given.startswith(f"{PUBLIC}/media/")
    assert seen.json["callback_url"] == f"{PUBLIC}/hooks/far-{kind}/{seen.headers['idempotency-key']}"


def test_an_input_that_is_gone_says_nothing_about_a_submit(public: Front):
    """A submit whose answer was lost is found and followed, though what it referred to was deleted meanwhile."""
    prompt, upload = "from a picture that goes", public.upload()
    public.provider.answering.clear()
    try:
        task = public.submit("acedata", f"{prompt} [done]", start={"image": upload})
        public.sent(prompt)
        public.running.kill_group()
    finally:
        public.provider.answering.set()
    public.running.start()
    token = upload.split("/")[-2]
    assert public.http.delete(f"/agents/v1/files/{token}").status_code == 204
    assert public.ended(task)["state"] == "completed"
    public.sent(prompt)
