"""Reading a clip nobody vouches for: forced demuxer, few decoders, limits, and every sign that a part is missing."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from filmgate.adapters.decode.extent import check_extent
from filmgate.adapters.decode.kinds import CLIPS, HEAD, clip_demuxer, foreign
from filmgate.domain.errors import InvalidMedia

MAX_PIXELS = 4400 * 1888
MAX_SECONDS = 60
MAX_FRAMES = 3600
MIN_SIDE = 16
RATE = 24
"""Frames per second of what is written of an external clip."""
# Rounding of the container's clock and a last frame held a little longer are no reason to refuse.
_SLACK = 0.5
_DECODERS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "prores", "mjpeg", "gif")
# Titles are often not UTF-8. Before PyAV 19 that raises an error unless asked otherwise; since then it cannot, and the
# argument is refused. Nothing here reads them.
_TITLES: Any = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
_TYPES = {"mov": "video/mp4", "matroska": "video/webm", "gif": "image/gif"}


class Footage:
    """The one picture track of an open clip.

    `start` are the seconds of its first frame, `packets` the coded frames and `hidden` those that are not to be shown;
    all are counted while it is read.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, demuxer: str, max_pixels: int = 0) -> None:
        """Take an open container; checks what its header says. Raises InvalidMedia.

        `max_pixels` are allowed over all frames, those that are decoded or those that are written, whichever are more
        (0: no limit).
        """
        self._container = container
        self._max_pixels = max_pixels
        self._demuxer = demuxer
        self.stream = stream
        self.type = _TYPES[demuxer]
        self.start = Fraction(0)
        self.packets = 0
        self.hidden = 0
        self._check_header()
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(2, os.cpu_count() or 1)

    @property
    def rate(self) -> Fraction:
        """Frames per second. Raises InvalidMedia if the clip has none."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        if not rate or rate <= 0:
            raise InvalidMedia("The video has no frame rate.")
        return Fraction(rate)

    @property
    def aspect(self) -> Fraction:
        """The width of a pixel divided by its height."""
        return Fraction(self.stream.sample_aspect_ratio or 1)

    def frames(self, *, missing: int = 0) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Decode to the end, giving seconds since the first frame and the frame. Raises InvalidMedia.

        `missing` is how many coded frames may come to nothing.
        """
        try:
            yield from self._decode(missing)
        except av.FFmpegError as error:
            raise InvalidMedia("The video is damaged or cut off: a part of it cannot be decoded.") from error

    def coded_packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the coded frames without decoding them."""
        for packet in self._container.demux(self.stream):
            if packet.size > 0:
                yield packet

    def _decode(self, missing: int) -> Iterator[tuple[Fraction, VideoFrame]]:
        count = 0
        time = Fraction(0)
        for packet in self._container.demux(self.stream):
            if packet.is_corrupt:
                raise InvalidMedia(f"The video is cut off after {count} frames.")
            self.packets += packet.size > 0 and not packet.is_discard
            self.hidden += packet.is_discard
            for frame in packet.decode():
                at = _seconds(frame, count, self.rate)
                self.start = self.start if count else at
                time = max(time, at - self.start)
                count += 1
                self._check_frame(frame, count, time)
                yield time, frame
        self._check_whole(count, time, missing)

    def _check_header(self) -> None:
        context = self.stream.codec_context
        _check_size(context.width, context.height)
        seconds = (self._container.duration or 0) / av.time_base
        if seconds > MAX_SECONDS + _SLACK:
            raise InvalidMedia(f"The video is {seconds:.1f} seconds long; at most {MAX_SECONDS} are allowed.")
        self._check_pixels(self.stream.frames, seconds)

    def _check_frame(self, frame: VideoFrame, count: int, time: Fraction) -> None:
        context = self.stream.codec_context
        if frame.is_corrupt:
            raise InvalidMedia(f"The video is damaged: frame {count} cannot be decoded.")
        if (frame.width, frame.height) != (context.width, context.height):
            raise InvalidMedia("The video changes its size on the way.")
        _check_size(frame.width, frame.height)
        if count > MAX_FRAMES:
            raise InvalidMedia(f"The video has more than {MAX_FRAMES} frames.")
        if time > MAX_SECONDS + _SLACK:
            raise InvalidMedia(f"The video is longer than the {MAX_SECONDS} seconds that are allowed.")
        self._check_pixels(count, float(time))

    def _check_pixels(self, count: int, seconds: float) -> None:
        """Refuse a clip that costs too much; how much is often in its header, else it shows on the way."""
        width, height = self.stream.codec_context.width, self.stream.codec_context.height
        frames = max(count, math.ceil(seconds * RATE))
        if self._max_pixels and width * height * frames > self._max_pixels:
            raise InvalidMedia(
                f"The video is too long for its size, {frames:,} frames or more of {width}x{height} pixels: at most "
                f"{self._max_pixels / 1e6:,.0f} megapixels over all frames are allowed. Make it shorter or smaller."
            )

    def _check_whole(self, count: int, time: Fraction, missing: int) -> None:
        if count == 0:
            raise InvalidMedia("The video has no frames.")
        if self._demuxer == "mov" and count + missing < self.packets:
            raise InvalidMedia(f"The video is damaged: {count} of {self.packets} frames can be decoded.")
        end = float(time + 1 / self.rate)
        seconds = (self._container.duration or 0) / av.time_base
        # An edit list may leave out frames that are there, but then the clip is said to be as short as it is.
        if count + 1 < self.stream.frames and end + 0.5 / float(self.rate) < seconds:
            raise InvalidMedia(f"The video is cut off: {count} of {self.stream.frames} frames can be decoded.")
        if self._demuxer == "matroska" and end + _SLACK < seconds:
            raise InvalidMedia(f"The video is cut off: {end:.1f} of {seconds:.1f} seconds can be decoded.")


@contextlib.contextmanager
def open_container(name: str, decoders: Sequence[str]) -> Iterator[tuple[InputContainer, str]]:
    """Open a clip in the current folder with the one demuxer its first bytes ask for. Raises InvalidMedia."""
    demuxer = _demuxer(Path(name))
    options = {"protocol_whitelist": "file", "codec_whitelist": ",".join(decoders)}
    try:
        container = av.open(name, format=demuxer, options=options, **_TITLES)
    except av.FFmpegError as error:
        raise InvalidMedia("The video is damaged or cut off: it cannot be opened.") from error
    with container:
        yield container, demuxer


@contextlib.contextmanager
def open_footage(name: str, max_pixels: int = 0) -> Iterator[Footage]:
    """Open a clip in the current folder, limited in pixels over all frames (0: no limit). Raises InvalidMedia."""
    with open_container(name, _DECODERS) as (container, demuxer):
        tracks = [track for track in container.streams.video if not _is_cover(track)]
        # The list given to the library keeps it from probing with other decoders, not from decoding with them.
        if not tracks or tracks[0].codec_context.codec.name not in _DECODERS:
            raise InvalidMedia("The file has no video in it that can be decoded.")
        yield Footage(container, tracks[0], demuxer, max_pixels)


def _demuxer(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(HEAD)
    demuxer = clip_demuxer(head)
    if demuxer is None:
        raise InvalidMedia(foreign(head, "video", CLIPS))
    check_extent(path, demuxer)
    return demuxer


def _is_cover(track: VideoStream) -> bool:
    return bool(track.disposition & track.disposition.attached_pic)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InvalidMedia(f"The video is {width}x{height} pixels; at most 3840x2160 are allowed.")
    if min(width, height) < MIN_SIDE:
        raise InvalidMedia(f"The video is {width}x{height} pixels; at least {MIN_SIDE}x{MIN_SIDE} are needed.")


def _seconds(frame: VideoFrame, count: int, rate: Fraction) -> Fraction:
    """Return the time of a frame; one without a clock follows the one before."""
    if frame.pts is None or frame.time_base is None:
        return count / rate
    return frame.pts * Fraction(frame.time_base)
