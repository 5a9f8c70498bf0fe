"""Each wrong thing that a person can send, in every dialect: the error names it, in the dialect's form."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx2
import pytest

from .apis import BATCHES, READS, SUBMITS, Request, form_for, form_of, message_of
from .conftest import ended, submit

pytestmark = pytest.mark.xdist_group("causes")

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PATHS = {name: request.path for name, request in SUBMITS.items()} | {"tasks": "/luma/tasks"}
CAUSES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the body is empty"),
    "white space": (b" \n", "the body is empty"),
    "lone surrogate": (b'{"prompt":"\\ud83d"}', "lone surrogate"),
    "lone surrogate in the middle": (b'{"prompt":"\\ud83d and more of the same sentence"}', "lone surrogate"),
    "raw surrogate": (b'{"prompt":"\xed\xa0\xbd"}', "lone surrogate"),
    "form-encoded": (b"prompt=a+river&model=ray-2", "form-encoded (prompt=…), not JSON"),
    "form-encoded list": (b"keyframes%5Bframe0%5D=x", "form-encoded (keyframes=…)"),
    "gzip": (gzip.compress(b'{"prompt":"x"}'), "compressed with gzip, and no Content-Encoding says so"),
    "xml": (b"<?xml version='1.0'?><prompt>x</prompt>", "XML or HTML, not JSON"),
    "form with parts": (
        b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--x--\r\n',
        "a form with parts, not JSON",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "a file itself, not JSON"),
    "a video": (b"\0\0\0\x20ftypisom" + bytes(100), "a file itself, not JSON"),
    "broken utf-16": (b"\xff\xfe{\0x", "it begins like UTF-16"),
    "latin-1": (b'{"prompt":"caf\xe9"}', "at byte 14 it is not UTF-8 (0xe9)"),
    "cut off": (b'{"prompt":"a riv', "it ends in the middle, after 16 bytes"),
    "line comment": (b'{"prompt":"x"} // a comment', "at byte 15 there is a comment"),
    "comment": (b'{ /* a comment */ "prompt":"x"}', "at byte 2 there is a comment"),
    "single quotes": (b"{'prompt':'x'}", "quotes of another kind"),
    "typographic quotes": ("{“prompt”:“x”}".encode(), "quotes of another kind"),
    "python": (b'{"prompt":"x","loop":True}', "there is True: JSON writes true"),
    "NaN": (b'{"prompt":"x","seed":NaN}', "a number that JSON has not"),
    "huge number": (b'{"prompt":"x","seed":1e999}', "a number in it is too large"),
    "line break": (b'{"prompt":"a\nriver"}', "a line break or another control character"),
    "trailing comma": (b'{"prompt":"x",}', "a comma in front of a closing bracket"),
    "bare key": (b'{prompt:"x"}', "a key has no quotes"),
    "two documents": (b'{"prompt":"x"}\n{"prompt":"y"}', "at byte 15 a second document begins"),
    "something behind": (b'{"prompt":"x"};', "the JSON has ended and more follows"),
    "json in json": (json.dumps('{"prompt":"x"}').encode(), "written as JSON twice"),
    "an array": (b'[{"prompt":"x"}]', "must be a JSON object {…}, not an array"),
    "null": (b"null", "must be a JSON object {…}, not null"),
}
ADVICE = ("send", "write", "leave", "cut off", "json object", "quotes", "json writes", "too large")
ADDRESSES = {
    "bare base64": (PICTURE, "bare base64, not an address: write data:image/png;base64, in front of it"),
    "long base64": (PICTURE * 100, "bare base64"),
    "a path": ("/home/me/a.png", "the path of a file on a computer"),
    "a windows path": ("C:\\a.png", "the path of a file on a computer"),
    "a file address": ("file:///home/me/a.png", "the path of a file on a computer"),
    "a bare host": ("example.com/a.png", "no scheme: write https://"),
    "a file name": ("a.png", "the name of a file, not an address"),
    "a bucket": ("s3://bucket/a.png", "s3:// are not fetched"),
    "a bad data URI": ("data:image/png;base64,AAAA!AAA", 'there is "!" after 4 letters'),
}
PICTURES: dict[str, Any] = {
    "native": lambda url: {"start": {"image": url}},
    "gateway": lambda url: {"image_url": url},
    "gateway-v2": lambda url: {"image_url": url},
    "acedata": lambda url: {"start_image_url": url},
    "dream_machine": lambda url: {"keyframes": {"frame0": {"type": "image", "url": url}}},
    "agents": lambda url: {"video": {"start_frame": {"url": url}}},
    "openai_videos": lambda url: {"input_reference": {"image_url": url}},
}


def refused(answer: httpx2.Response, name: str, *words: str) -> str:
    """Check that an answer is a refusal in the form of its dialect that says these words, and give its sentence."""
    assert answer.status_code == 400, answer.text
    assert form_of(answer) == ("union" if name == "tasks" else form_for(name))
    for word in words:
        assert word in message_of(answer), message_of(answer)
    return message_of(answer)


@pytest.mark.parametrize("name", PATHS)
def test_bodies(http: httpx2.Client, name: str):
    """What is no JSON object is named, with what to do, whatever type it says it has."""
    for cause, (body, words) in CAUSES.items():
        for kind in ("application/json", "text/xml", "application/x-www-form-urlencoded", ""):
            answer = http.post(PATHS[name], content=body, headers={"content-type": kind})
            said = refused(answer, name, words)
            assert any(word in said.lower() for word in ADVICE), (cause, said)


@pytest.mark.parametrize("name", PICTURES)
def test_addresses(http: httpx2.Client, name: str):
    """What is no address is named, with its field."""
    request = SUBMITS[name]
    for value, words in ADDRESSES.values():
        answer = http.post(request.path, json=request.json | PICTURES[name](value))
        said = refused(answer, name, words)
        assert said.split(":")[0].split(".")[-1] in (
            "image",
            "start",
            "image_url",
            "start_image_url",
            "input_reference",
            "url",
            "frame0",
            "start_frame",
        ), said


@pytest.mark.parametrize("name", PICTURES)
def test_a_file_part_that_is_too_large(http: httpx2.Client, name: str):
    """A form whose picture is too large is told the limit, and what to do, by the name of the part."""
    request = SUBMITS[name]
    large = b"\x89PNG\r\n\x1a\n" + bytes(20 * 1024 * 1024)
    fields = {key: value for key, value in request.json.items() if isinstance(value, str)}
    answer = http.post(request.path, data=fields, files={"first_frame": ("a.png", large, "image/png")})
    refused(answer, name, "first_frame: the file has more than 20971520 bytes: make it smaller")


@pytest.mark.parametrize("name", SUBMITS)
def test_a_file_where_a_text_was_expected(http: httpx2.Client, name: str):
    """A file in the place of a text is called one, and so are other wrong types."""
    request = SUBMITS[name]
    prompt = "user_prompt" if "user_prompt" in request.json else "prompt"
    for value, words in (
        ({"url": f"data:image/png;base64,{PICTURE}"}, "must be a text, not a file"),
        ({"text": "x"}, "must be a text, not an object"),
        (5, "must be a text, not a number"),
        (["x"], "must be a text, not an array"),
    ):
        refused(http.post(request.path, json=request.json | {prompt: value}), name, f"{prompt}: {words}")


@pytest.mark.parametrize("name", SUBMITS)
def test_what_is_written_otherwise(http: httpx2.Client, name: str):
    """JSON in other encodings or compressed, as any type, makes the task that it says."""
    request = SUBMITS[name]
    text = json.dumps(request.json, ensure_ascii=False)
    for content, headers in (
        (text.encode("utf-8-sig"), {}),
        (text.encode("utf-16"), {}),
        (gzip.compress(text.encode()), {"content-encoding": "gzip"}),
        (text.encode(), {"content-type": "text/xml"}),
    ):
        made = http.post(request.path, content=content, headers={"content-type": "application/json"} | headers)
        assert made.is_success, made.text
        task_id = made.json().get("id") or made.json()["task_id"]
        assert ended(http, task_id)["prompt"] == "x [fail]"
        for read in READS.values():
            assert read(task_id).send(http).status_code == 200
    broken = http.post(request.path, content=gzip.compress(text.encode())[:-9], headers={"content-encoding": "gzip"})
    refused(broken, name, "cut off")
    other = http.post(request.path, content=b"x", headers={"content-encoding": "br"})
    assert (other.status_code, other.headers["accept-encoding"]) == (415, "gzip, deflate")
    assert form_of(other) == form_for(name)
    assert "gzip or deflate" in message_of(other)


def test_flags_and_lengths_as_text_and_numbers(http: httpx2.Client):
    """Flags may be text, and a length on Dream Machine a number."""
    for body in ({"duration": 5}, {"duration": 5.0}, {"duration": "5"}, {"duration": "5s", "loop": "true"}):
        made = http.post("/dream-machine/v1/generations", json={"prompt": "x [fail]", **body})
        assert made.status_code == 201, made.text
        task = http.get(f"/api/v1/tasks/{made.json()['id']}").json()
        assert (task["duration"], task["loop"]) == (5, "loop" in body)
    made = http.post("/luma/videos", json={"prompt": "x [fail]", "async": "true", "timeout": "300"})
    assert "task_id" in made.json()
    assert "video_url" not in made.json()


def written(task_id: str) -> list[str]:
    """Write an id in other ways."""
    return [task_id.upper(), f" {task_id} ", f"{{{task_id}}}", f"{{{task_id.upper()}}}"]


def test_ids_written_otherwise(http: httpx2.Client):
    """An id in capitals, braces or white space is that of its task, in every query, with and without a wait."""
    task_id = submit(http)
    ended(http, task_id)
    for read in READS.values():
        expected = read(task_id).send(http).json()
        for other in written(task_id):
            for query in ("", "?wait=1", "?x=1"):
                answer = read(other).send(http, query)
                assert answer.status_code == 200, (read(other), answer.text)
                assert answer.json() == expected
    for request, items in BATCHES.values():
        for other in written(task_id):
            both = items(request([other, task_id]).send(http).json())
            assert len(both) == 1, request([other])
            assert items(request([other]).send(http).json()) == both


def test_tasks_referred_to_otherwise(http: httpx2.Client):
    """A task that goes on from another, and what ends one, may name it in capitals."""
    source = submit(http)
    ended(http, source)
    other = f"{{{source.upper()}}}"
    extended = http.post(f"/luma/generations/{other}/extend", json={"user_prompt": "x [fail]"})
    assert extended.status_code == 200, extended.text
    framed = Request(
        "POST",
        "/dream-machine/v1/generations",
        {"prompt": "x [fail]", "keyframes": {"frame0": {"type": "generation", "id": other}}},
    ).send(http)
    assert framed.status_code == 201, framed.text
    started = http.post("/api/v1/tasks", json={"prompt": "x [fail]", "start": {"task": other}})
    assert started.status_code == 201, started.text
    video = http.get(f"/api/v1/tasks/{source}").json()["video_id"]
    again = {"action": "extend", "video_id": video.upper(), "prompt": "x [fail]", "async": True}
    assert http.post("/luma/videos", json=again).json()["success"]
    hanging = submit(http, "[hang]")
    assert http.post(f"/api/v1/tasks/{hanging.upper()}/cancel").json()["state"] == "failed"
    assert http.delete(f"/api/v1/tasks/{hanging.upper()}").status_code == 204
    assert http.get(f"/api/v1/tasks/{hanging}").status_code == 404
    unknown = "01A10000-0000-7000-8000-000000000000"
    assert {read(unknown).send(http).status_code for read in READS.values()} == {404}
