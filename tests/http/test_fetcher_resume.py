"""Downloads that break off go on where that is safe, and never end as something that was never served."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.http.sites import ALLOWED, Answer, no_names, refused, sends_to, site

from filmgate.adapters.outbound.fetcher import CheckedFetcher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers on all of 127.0.0.0/8")

_DATA = os.urandom(900_000)
_OTHER = os.urandom(900_000)
_TAG = {"etag": '"one"', "accept-ranges": "bytes"}
_DATED = {
    "last-modified": "Tue, 01 Jul 2025 10:00:00 GMT",
    "date": "Tue, 01 Jul 2025 10:00:05 GMT",
    "accept-ranges": "bytes",
}


class Answered:
    """One answer: which bytes it claims to be, and where it breaks off, counted from the start of the file."""

    def __init__(
        self,
        stop: int | None = None,
        *,
        data: bytes = _DATA,
        headers: dict[str, str] = _TAG,
        status: int | None = None,
        content_range: str | None = None,
        chunked: bool = False,
        hang: bool = False,
    ) -> None:
        self.stop = stop
        self.data = data
        self.headers = headers
        self.status = status
        self.content_range = content_range
        self.chunked = chunked
        self.hang = hang

    async def write(self, asked: str | None, writer: asyncio.StreamWriter) -> None:
        """Answer a request for a range, or for all of it."""
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.status != 200 else 0
        status = self.status or (206 if start else 200)
        lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in self.headers.items())]
        if status == 206:
            last = len(self.data) - 1
            lines.append(f"content-range: {self.content_range or f'bytes {start}-{last}/{len(self.data)}'}")
        body = self.data[start : self.stop] if status < 400 else b""
        if self.chunked:
            lines.append("transfer-encoding: chunked")
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n" + (b"0\r\n\r\n" if self.stop is None else b"")
        else:
            lines.append(f"content-length: {len(self.data) - start if status < 400 else 0}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        if self.hang:
            await asyncio.Event().wait()


def one_after_the_other(*answers: Answered) -> tuple[Answer, Callable[[], list[str | None]]]:
    """Return a server that answers each request in its turn, the last one for ever, and the ranges it was asked for."""
    ranges: list[str | None] = []

    async def answer(path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> None:
        ranges.append(headers.get("range"))
        await answers[min(len(ranges), len(answers)) - 1].write(headers.get("range"), writer)

    return answer, lambda: ranges


async def test_resume(fetcher: CheckedFetcher, tmp_path: Path):
    """After a break the rest is asked for, and only for the same file."""
    answer, ranges = one_after_the_other(Answered(100_000), Answered(700_001), Answered())
    async with site(answer) as place:
        await fetcher.download(
            place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a", headers={"X-Key": "k"}
        )
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=100000-", "bytes=700001-"]
    assert [headers.get("if-range") for _, headers, _ in place.requests] == [None, '"one"', '"one"']
    assert [headers["x-key"] for _, headers, _ in place.requests] == ["k"] * 3


async def test_resume_by_date(fetcher: CheckedFetcher, tmp_path: Path):
    """A date that is older than the answer names one state of the file as well as a tag does."""
    answer, ranges = one_after_the_other(Answered(5, headers=_DATED), Answered(headers=_DATED))
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=5-"]
    assert place.requests[1][1]["if-range"] == _DATED["last-modified"]


async def test_resume_after_silence(tmp_path: Path):
    """A server that falls silent in the middle is asked for the rest."""
    fetcher = CheckedFetcher(ALLOWED, resolve=no_names, total=10, idle=0.2)
    answer, ranges = one_after_the_other(Answered(500_000, hang=True), Answered())
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=500000-"]
    await fetcher.close()


async def test_resume_of_an_unknown_length(fetcher: CheckedFetcher, tmp_path: Path):
    """Where the length was not announced, the partial answer tells it."""
    answer, ranges = one_after_the_other(Answered(500_000, chunked=True), Answered(chunked=True))
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=500000-"]


async def test_resume_behind_a_redirect(fetcher: CheckedFetcher, tmp_path: Path):
    """A redirect is followed anew for the rest, as its address may be good for a while only."""
    answer, ranges = one_after_the_other(Answered(9), Answered())
    async with site(answer) as place, site(sends_to(place.url("/file"))) as front:
        await fetcher.download(front.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert len(front.requests) == 2
    assert ranges() == [None, "bytes=9-"]


@pytest.mark.parametrize(
    "second",
    [
        Answered(data=_OTHER, headers=_TAG | {"etag": '"two"'}, status=200),
        Answered(data=_OTHER, headers=_TAG | {"etag": '"two"'}),
        Answered(status=416),
        Answered(content_range="bytes 0-899999/900000"),
        Answered(content_range="bytes 300000-899999/900001"),
        Answered(content_range="bytes 300000-1000000/900000"),
        Answered(content_range="bytes */900000"),
        Answered(content_range="pages 3-4/5"),
    ],
    ids=["changed", "changed, but a part", "416", "wrong start", "other length", "past its end", "no range", "pages"],
)
async def test_start_anew(fetcher: CheckedFetcher, tmp_path: Path, second: Answered):
    """A file that has changed meanwhile, or a part that was not asked for, is fetched from its beginning."""
    answer, ranges = one_after_the_other(Answered(300_000), second, Answered(data=_OTHER))
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _OTHER
    assert ranges() == [None, "bytes=300000-", *([] if second.status == 200 else [None])]


async def test_server_that_ignores_ranges(fetcher: CheckedFetcher, tmp_path: Path):
    """A whole answer to a question for a part is taken as a whole."""
    answer, ranges = one_after_the_other(Answered(300_000), Answered(400_000, status=200), Answered())
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=300000-", "bytes=400000-"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"etag": '"one"'},
        {"etag": '"one"', "accept-ranges": "none"},
        {"etag": 'W/"one"', "accept-ranges": "bytes"},
        _DATED | {"date": _DATED["last-modified"]},
        _DATED | {"date": "yesterday"},
        _DATED | {"last-modified": "-"},
    ],
)
async def test_no_resume_without_a_sure_name(fetcher: CheckedFetcher, tmp_path: Path, headers: dict[str, str]):
    """Where the server cannot say that it still is the same file, a break is the end."""
    answer, ranges = one_after_the_other(Answered(300_000, headers=headers), Answered())
    async with site(answer) as place:
        assert (await refused(fetcher, place.url(), tmp_path, max_bytes=len(_DATA))).retryable
    assert ranges() == [None]


async def test_resumes_are_counted(fetcher: CheckedFetcher, tmp_path: Path):
    """After five resumes it is enough."""
    answer, ranges = one_after_the_other(*(Answered(1000 * number) for number in range(1, 10)))
    async with site(answer) as place:
        assert (await refused(fetcher, place.url(), tmp_path, max_bytes=len(_DATA))).retryable
    assert len(ranges()) == 6


async def test_resume_that_brings_nothing_is_the_last(fetcher: CheckedFetcher, tmp_path: Path):
    """A server that has no more bytes to give is not asked again."""
    answer, ranges = one_after_the_other(Answered(1000), Answered(1000))
    async with site(answer) as place:
        assert (await refused(fetcher, place.url(), tmp_path, max_bytes=len(_DATA))).retryable
    assert len(ranges()) == 2


async def test_definite_answer_to_a_resume(fetcher: CheckedFetcher, tmp_path: Path):
    """A file that is gone meanwhile is gone."""
    answer, ranges = one_after_the_other(Answered(1000), Answered(status=404))
    async with site(answer) as place:
        error = await refused(fetcher, place.url(), tmp_path, max_bytes=len(_DATA))
    assert "answered 404" in error.message
    assert not error.retryable
    assert len(ranges()) == 2


async def test_all_answers_share_the_time(tmp_path: Path):
    """Breaks do not make more time."""
    fetcher = CheckedFetcher(ALLOWED, resolve=no_names, total=1, idle=0.4)
    answer, ranges = one_after_the_other(*(Answered(1000 * number, hang=True) for number in range(1, 10)))
    async with site(answer) as place:
        error = await refused(fetcher, place.url(), tmp_path, max_bytes=len(_DATA))
    assert "within 1 seconds" in error.message
    assert 2 <= len(ranges()) <= 3
    await fetcher.close()


@pytest.mark.parametrize("chunked", [True, False])
async def test_part_that_is_too_short_or_too_long(fetcher: CheckedFetcher, tmp_path: Path, chunked: bool):
    """What ends early is asked for once more; what goes on after its end is refused."""
    short = Answered(data=_DATA[:600_000], content_range="bytes 300000-599999/900000", chunked=chunked)
    answer, ranges = one_after_the_other(Answered(300_000), short, Answered())
    async with site(answer) as place:
        await fetcher.download(place.url(), tmp_path / "a", max_bytes=len(_DATA), application="a")
    assert (tmp_path / "a").read_bytes() == _DATA
    assert ranges() == [None, "bytes=300000-", "bytes=600000-"]
    (tmp_path / "a").unlink()

    long = Answered(data=_DATA + b"!", content_range="bytes 300000-899999/900000", chunked=chunked)
    answer, ranges = one_after_the_other(Answered(300_000), long, Answered())
    async with site(answer) as place:
        error = await refused(fetcher, place.url(), tmp_path, max_bytes=2 * len(_DATA))
    assert "more than it announced" in error.message
    assert len(ranges()) == 2


async def test_limit_counts_all_parts(fetcher: CheckedFetcher, tmp_path: Path):
    """The size of the whole is what is limited, announced or not."""
    for first, second in (
        (Answered(500, chunked=True), Answered()),
        (Answered(500, chunked=True), Answered(content_range="bytes 500-899999/*", chunked=True)),
    ):
        answer, ranges = one_after_the_other(first, second)
        async with site(answer) as place:
            error = await refused(fetcher, place.url(), tmp_path)
        assert "more than the 1000 bytes" in error.message
        assert len(ranges()) == 2
