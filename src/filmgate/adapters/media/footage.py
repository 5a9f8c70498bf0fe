"""Reading a clip nobody vouches for: forced demuxer, few decoders, limits, and every sign that a part is missing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from filmgate.adapters.media.kinds import CLIPS, HEAD, clip_demuxer
from filmgate.domain.errors import InvalidMedia

MAX_PIXELS = 4400 * 1888
MAX_SECONDS = 60
MAX_FRAMES = 3600
MIN_SIDE = 16
# Rounding of the container's clock and a last frame held a little longer are no reason to refuse.
_SLACK = 0.5
_DECODERS = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4,prores,mjpeg,gif"
_TYPES = {"mov": "video/mp4", "matroska": "video/webm", "gif": "image/gif"}


class Footage:
    """The one picture track of an open clip."""

    def __init__(self, container: InputContainer, stream: VideoStream, demuxer: str) -> None:
        """Take an open container; checks what its header says. Raises InvalidMedia."""
        self._container = container
        self._stream = stream
        self._demuxer = demuxer
        self.type = _TYPES[demuxer]
        self._check_header()
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(2, os.cpu_count() or 1)

    @property
    def rate(self) -> Fraction:
        """Frames per second. Raises InvalidMedia if the clip has none."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        if not rate or rate <= 0:
            raise InvalidMedia("The video has no frame rate.")
        return Fraction(rate)

    @property
    def aspect(self) -> Fraction:
        """The width of a pixel divided by its height."""
        return Fraction(self._stream.sample_aspect_ratio or 1)

    def frames(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Decode to the end, giving seconds since the first frame and the frame. Raises InvalidMedia."""
        try:
            yield from self._decode()
        except av.FFmpegError as error:
            raise InvalidMedia("The video is damaged or cut off: a part of it cannot be decoded.") from error

    def _decode(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        packets = count = 0
        first: Fraction | None = None
        time = Fraction(0)
        for packet in self._container.demux(self._stream):
            if packet.is_corrupt:
                raise InvalidMedia(f"The video is cut off after {count} frames.")
            packets += packet.size > 0 and not packet.is_discard
            for frame in packet.decode():
                at = _seconds(frame, count, self.rate)
                first = at if first is None else first
                time = max(time, at - first)
                count += 1
                self._check_frame(frame, count, time)
                yield time, frame
        self._check_whole(packets, count, time)

    def _check_header(self) -> None:
        context = self._stream.codec_context
        _check_size(context.width, context.height)
        seconds = (self._container.duration or 0) / av.time_base
        if seconds > MAX_SECONDS + _SLACK:
            raise InvalidMedia(f"The video is {seconds:.1f} seconds long; at most {MAX_SECONDS} are allowed.")

    def _check_frame(self, frame: VideoFrame, count: int, time: Fraction) -> None:
        context = self._stream.codec_context
        if frame.is_corrupt:
            raise InvalidMedia(f"The video is damaged: frame {count} cannot be decoded.")
        if (frame.width, frame.height) != (context.width, context.height):
            raise InvalidMedia("The video changes its size on the way.")
        _check_size(frame.width, frame.height)
        if count > MAX_FRAMES:
            raise InvalidMedia(f"The video has more than {MAX_FRAMES} frames.")
        if time > MAX_SECONDS + _SLACK:
            raise InvalidMedia(f"The video is longer than the {MAX_SECONDS} seconds that are allowed.")

    def _check_whole(self, packets: int, count: int, time: Fraction) -> None:
        if count == 0:
            raise InvalidMedia("The video has no frames.")
        if self._demuxer == "mov" and count < packets:
            raise InvalidMedia(f"The video is damaged: {count} of {packets} frames can be decoded.")
        if self._demuxer == "matroska" and self._container.duration:
            seconds = self._container.duration / av.time_base
            if float(time) + _SLACK < seconds - 1 / float(self.rate):
                raise InvalidMedia(f"The video is cut off: {float(time):.1f} of {seconds:.1f} seconds can be decoded.")


@contextlib.contextmanager
def open_footage(name: str) -> Iterator[Footage]:
    """Open a clip in the current folder. Raises InvalidMedia."""
    demuxer = _demuxer(Path(name))
    options = {"protocol_whitelist": "file", "codec_whitelist": _DECODERS}
    try:
        container = av.open(name, format=demuxer, options=options, metadata_errors="ignore")
    except av.FFmpegError as error:
        raise InvalidMedia("The video is damaged or cut off: it cannot be opened.") from error
    with container:
        tracks = [track for track in container.streams.video if not _is_cover(track)]
        if not tracks:
            raise InvalidMedia("The file has no video in it that can be decoded.")
        yield Footage(container, tracks[0], demuxer)


def _demuxer(path: Path) -> str:
    with path.open("rb") as file:
        demuxer = clip_demuxer(file.read(HEAD))
    if demuxer is None:
        raise InvalidMedia(f"The file is not a video we can read: allowed are {CLIPS}.")
    if demuxer == "mov":
        _check_boxes(path)
    return demuxer


def _check_boxes(path: Path) -> None:
    """Refuse a file that ends inside one of its outermost boxes: its header promises frames that are not there."""
    size = path.stat().st_size
    at = 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                return
            if length < 8 or at + length > size:
                raise InvalidMedia("The video is cut off or damaged: its file ends in the middle.")
            at += length


def _is_cover(track: VideoStream) -> bool:
    return bool(track.disposition & track.disposition.attached_pic)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InvalidMedia(f"The video is {width}x{height} pixels; at most 3840x2160 are allowed.")
    if min(width, height) < MIN_SIDE:
        raise InvalidMedia(f"The video is {width}x{height} pixels; at least {MIN_SIDE}x{MIN_SIDE} are needed.")


def _seconds(frame: VideoFrame, count: int, rate: Fraction) -> Fraction:
    """Give the time of a frame; one without a clock follows the one before."""
    if frame.pts is None or frame.time_base is None:
        return count / rate
    return frame.pts * Fraction(frame.time_base)
