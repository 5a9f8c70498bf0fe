"""Clips on disk: H.264 in MP4, written, read back and joined without encoding again."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.worker import JobFailed
from filmgate.domain.failures import FailureCode
from filmgate.domain.sizes import FPS

_BT709 = 1
_LIMITED = 1
_OPTIONS = {
    "preset": "superfast",
    "crf": "21",
    "g": str(2 * FPS),
    "x264-params": "stitchable=1:b-adapt=0:scenecut=0:rc-lookahead=0",
}
"""Stitchable: the parameter sets do not depend on the content or the quality, so that clips can be joined as they are.
Nothing is looked up ahead: one shot without cuts is no better for it, and it takes a quarter of the encoder's time.
"""


class ClipInfo(msgspec.Struct, frozen=True):
    """What a clip is: pixels, and frames counted in its packets."""

    width: int
    height: int
    frames: int


def write(path: Path, frames: Iterable[Picture], width: int, height: int) -> int:
    """Encode the frames at 24 per second and return how many there were. Colours are tagged BT.709, limited range.

    Frames of another size are scaled with cubic interpolation.
    """
    count = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_OPTIONS)
        _configure(stream, width, height)
        for count, picture in enumerate(frames, 1):
            container.mux(stream.encode(_video_frame(picture, count - 1, width, height)))
        container.mux(stream.encode())
    return count


def facts(path: Path) -> ClipInfo:
    """Read size and length. Raises JobFailed when the file is no clip."""
    with _open_clip(path) as container:
        stream = container.streams.video[0]
        frames = sum(1 for packet in container.demux(stream) if packet.dts is not None)
        return ClipInfo(stream.codec_context.width, stream.codec_context.height, frames)


def frames(path: Path) -> Iterator[Picture]:
    """Decode all frames, in order."""
    with _open_clip(path) as container:
        for frame in container.decode(container.streams.video[0]):
            yield _picture(frame)


def first_frames(path: Path) -> tuple[Picture, Picture]:
    """Decode the first two frames; of a clip with a single one, that one twice."""
    begin = list(islice(frames(path), 2))
    return _some(begin)[0], begin[-1]


def last_frames(path: Path) -> tuple[Picture, Picture]:
    """Decode the last two frames, starting at a key frame near the end; of a single one, that one twice."""
    with _open_clip(path) as container:
        stream = container.streams.video[0]
        if stream.duration and stream.average_rate and stream.time_base:
            step = round(1 / (stream.average_rate * stream.time_base))
            container.seek(max(0, stream.duration - 2 * step), stream=stream)
        end = [_picture(frame) for frame in deque(container.decode(stream), maxlen=2)]
    return _some(end)[0], end[-1]


def join(parts: list[Path], target: Path) -> None:
    """Put clips one after the other: by copying packets where their streams agree, else by encoding them again."""
    if not _join_packets(parts, target):
        size = facts(parts[0])
        write(target, (frame for part in parts for frame in frames(part)), size.width, size.height)


def _configure(stream: Any, width: int, height: int) -> None:
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    codec = stream.codec_context
    codec.time_base = Fraction(1, FPS)
    codec.thread_count = min(os.cpu_count() or 1, 8)  # each thread holds frames: bounded on large machines
    codec.color_range = _LIMITED
    codec.colorspace = codec.color_primaries = codec.color_trc = _BT709


def _video_frame(picture: Picture, index: int, width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    frame = frame.reformat(
        width=width,
        height=height,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )
    frame.pts = index
    frame.time_base = Fraction(1, FPS)
    return frame


def _picture(frame: av.VideoFrame) -> Picture:
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    return rgb.to_ndarray()


def _some(pictures: list[Picture]) -> list[Picture]:
    if not pictures:
        raise JobFailed("The earlier clip has no frames.", FailureCode.INVALID_MEDIA)
    return pictures


def _open_clip(path: Path) -> av.container.InputContainer:
    """Open a clip we wrote. The demuxer is given, so that the file cannot choose another one."""
    try:
        container = av.open(str(path), format="mp4")
    except av.FFmpegError as error:
        raise JobFailed("The earlier clip cannot be read.", FailureCode.INVALID_MEDIA) from error
    if not container.streams.video:
        container.close()
        raise JobFailed("The earlier clip has no picture.", FailureCode.INVALID_MEDIA)
    return container


def _join_packets(parts: list[Path], target: Path) -> bool:
    """Join by copying packets; False, and nothing usable written, when the streams do not agree."""
    with _open_clip(parts[0]) as first:
        template = first.streams.video[0]
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream_from_template(template)
            offset, last = 0, None
            for part in parts:
                with _open_clip(part) as source:
                    origin = source.streams.video[0]
                    if not _agree(template, origin):
                        return False
                    end = 0
                    for packet in source.demux(origin):
                        if packet.dts is None or packet.pts is None or not packet.duration:
                            continue  # the empty packet that ends the stream
                        end = max(end, packet.pts + packet.duration)
                        packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                        if last is not None and packet.dts <= last:
                            return False
                        last = packet.dts
                        packet.stream = stream
                        container.mux(packet)
                    offset += end
    return True


def _agree(a: Any, b: Any) -> bool:
    """Whether one decoder setting fits both streams: the same parameter sets, size and clock."""
    return (
        a.codec_context.extradata == b.codec_context.extradata
        and (a.width, a.height, a.time_base) == (b.width, b.height, b.time_base)
        and a.average_rate == b.average_rate
    )
