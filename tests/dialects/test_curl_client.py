"""curl as people use it, against a real service: HTTP/2, retries, forms, large and chunked bodies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from tests.support.clips import play
from tests.support.service import RunningService, clean_env
from tests.support.unreliable import Mishap, unreliable

from .dream_machine.pictures import data_uri, png

Ended = Callable[[str], dict[str, Any]]


class Told(NamedTuple):
    """What curl printed, its exit status, and what it reports with `--verbose`."""

    text: str
    status: int
    report: str

    @property
    def json(self) -> Any:
        """The answer."""
        assert self.status == 0, self.report
        return json.loads(self.text)


Curl = Callable[..., Told]


@pytest.fixture
def curl(service: RunningService, tmp_path: Path) -> Curl:
    """Run curl with a path of the service, or a whole address, and options; `key` is the service's own by default."""
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed (apt install curl)")

    def run(address: str, *options: str, key: str = service.key, body: bytes = b"") -> Told:
        url = address if address.startswith("http") else service.url + address
        command = [found, "--silent", "--show-error", "--verbose", "-H", f"Authorization: Bearer {key}", *options, url]
        done = subprocess.run(
            command, env=clean_env(), cwd=tmp_path, input=body, capture_output=True, timeout=60, check=False
        )
        return Told(done.stdout.decode(errors="replace"), done.returncode, done.stderr.decode(errors="replace"))

    return run


@pytest.fixture
def curl_http2(curl: Curl) -> Curl:
    """Run a curl that can speak HTTP/2."""
    if "HTTP2" not in subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("this curl was built without HTTP/2")
    return curl


def test_http2_from_a_prompt_to_a_file(curl_http2: Curl, tmp_path: Path):
    """With `--http2` it offers HTTP/2, is answered in HTTP/1.1, and downloads a file in two parts."""
    submitted = curl_http2("/luma/generations", "--http2", "-d", '{"user_prompt": "[delay=0.5] a", "duration": "1s"}')
    assert "> Upgrade: h2c" in submitted.report
    assert "< HTTP/1.1 200 OK" in submitted.report
    seen = curl_http2(f"/luma/generations/{submitted.json['id']}?wait=50", "--http2").json
    assert seen["state"] == "completed"
    link = seen["video"]["download_url"]
    assert curl_http2(link, "--http2", "-r", "0-999", "-o", "film.mp4").status == 0
    resumed = curl_http2(link, "--http2", "-C", "-", "-o", "film.mp4")
    assert "< HTTP/1.1 206 Partial Content" in resumed.report
    assert tuple(play((tmp_path / "film.mp4").read_bytes())) == (1360, 752, 25)


def test_http2_without_asking(curl_http2: Curl):
    """With `--http2-prior-knowledge` it is refused in HTTP/2, and says that it is about HTTP/2."""
    refused = curl_http2("/luma/generations", "--http2-prior-knowledge", "-d", '{"user_prompt": "a"}')
    assert refused.status == 16, refused.report
    assert re.search(r"GOAWAY.*(error=13|HTTP_1_1_REQUIRED)", refused.report), refused.report


def test_retries(curl: Curl, service: RunningService, accepted: Callable[[], int]):
    """With `--retry` a busy server and a lost answer make one task, and a query is answered in the end."""
    path, key = "/luma/generations", ["-H", "Idempotency-Key:curl-retries"]
    mishaps = [Mishap("POST", path, 503), Mishap("POST", path, "lost"), Mishap("GET", f"{path}/[^/]+", 429)]
    before = accepted()
    with unreliable(service.url, *mishaps) as proxy:
        retry = ("--retry", "5", "--retry-all-errors", "--fail")
        body = ("-d", '{"user_prompt": "again", "duration": "1s"}')
        submitted = curl(proxy.url + path, *retry, *key, *body).json
        seen = curl(f"{proxy.url}{path}/{submitted['id']}?wait=50", *retry).json
    assert (seen["id"], seen["state"]) == (submitted["id"], "completed")
    assert accepted() == before + 1


def test_forms(curl: Curl, tmp_path: Path, ended: Ended):
    """With `-F` a form with a picture becomes a video, also with a field from a file; no picture is a refusal."""
    (tmp_path / "start.png").write_bytes(png())
    (tmp_path / "prompt.txt").write_text("a river")
    picture = ("-F", "input_reference=@start.png;type=image/png")
    form = ("-F", "prompt=<prompt.txt", "-F", "seconds=4", "-F", "size=1280x720")
    video = curl("/v1/videos", *form, *picture).json
    assert (video["prompt"], video["seconds"], video["size"]) == ("a river", "4", "1280x720")
    assert ended(video["id"])["state"] == "completed"
    refused = curl("/v1/videos", *form, "-F", "input_reference=@prompt.txt;type=image/png").json
    assert refused["error"]["param"] == "input_reference"


def test_compressed(curl: Curl):
    """With `--compressed` an answer is the same, whether or not it was compressed."""
    plain, compressed = (curl("/luma/users/me", *options) for options in ((), ("--compressed",)))
    assert "gzip" in compressed.report
    assert compressed.json == plain.json


@pytest.fixture
def large(tmp_path: Path) -> str:
    """The name of a file with a request of some 4 MB, for which curl asks before it sends it."""
    Image.effect_noise((1800, 1800), 80).save(tmp_path / "large.png")
    body = {"user_prompt": "a", "duration": "1s", "image_url": data_uri((tmp_path / "large.png").read_bytes())}
    (tmp_path / "large.json").write_text(json.dumps(body))
    assert (tmp_path / "large.json").stat().st_size > 2_000_000
    return "large.json"


@pytest.mark.parametrize("offer", [(), ("--http2",)], ids=["http1", "http2"])
def test_large_bodies(curl: Curl, large: str, offer: tuple[str, ...], ended: Ended):
    """It asks whether a large body is wanted, is told so, and sends it: with its length and in chunks."""
    for sent in (("-d", f"@{large}"), ("-X", "POST", "-T", large, "-H", "Transfer-Encoding: chunked")):
        told = curl("/luma/generations", "-H", "Expect: 100-continue", *offer, *sent)
        assert "< HTTP/1.1 100 Continue" in told.report
        assert ended(told.json["id"])["state"] == "completed"


def test_chunks_of_unknown_length(curl: Curl, ended: Ended):
    """With `-T -` what comes through a pipe is sent in chunks."""
    told = curl("/luma/generations", "-X", "POST", "-T", "-", body=b'{"user_prompt": "piped", "duration": "1s"}')
    assert "> Transfer-Encoding: chunked" in told.report
    assert ended(told.json["id"])["state"] == "completed"


def test_refusals(curl: Curl, large: str):
    """A wrong key is refused before a large body is sent; a wrong method and a wrong value are explained."""
    stranger = curl("/luma/generations", "-d", f"@{large}", "-H", "Expect: 100-continue", key="wrong")
    assert "100 Continue" not in stranger.report
    assert "< HTTP/1.1 401" in stranger.report
    assert "API key" in stranger.json["error"]["message"]
    put = curl("/luma/generations", "-T", large)
    assert "< allow: POST" in put.report
    wrong = curl("/luma/generations", "-d", '{"user_prompt": "a", "duration": "forever"}')
    assert "duration" in wrong.json["error"]["message"]
    assert curl("/luma/generations", "--fail", "-d", "{}").status == 22
