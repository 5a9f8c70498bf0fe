"""Clips: foreign ones re-encoded, finished ones verified and developed into stills."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from filmgate.adapters.decode.footage import RATE, Footage, open_footage
from filmgate.adapters.decode.frames import even_size, fit, h264_track, is_black, picture
from filmgate.adapters.decode.messages import CLIP, LAST_FRAME, SOURCE, THUMBNAIL
from filmgate.adapters.decode.pictures import palette
from filmgate.domain.media import Facts

_JPEG_QUALITY = 90


def normalise_clip(max_pixels: int = 0) -> list[Facts]:
    """Re-encode the clip in `SOURCE` to `CLIP`: H.264, 24 frames per second, BT.709, even sizes, no sound.

    It may have `max_pixels` over all its frames (0: no limit).
    """
    with open_footage(SOURCE, max_pixels) as footage, av.open(CLIP, "w", options={"movflags": "+faststart"}) as output:
        stream: VideoStream | None = None
        count = 0
        for frame in _resample(footage):
            if stream is None:
                stream = h264_track(output, *even_size(frame, footage.aspect), Fraction(RATE))
            shown = fit(frame, stream.width, stream.height)
            shown.pts, shown.time_base = count, Fraction(1, RATE)
            output.mux(stream.encode(shown))
            count += 1
        if stream is None:
            raise AssertionError("footage without frames is refused while it is read")
        output.mux(stream.encode(None))
        return [clip_facts("video/mp4", stream.width, stream.height, count, Fraction(RATE))]


def develop() -> list[Facts]:
    """Decode `SOURCE` to its end, write `THUMBNAIL` and `LAST_FRAME`, and give the facts of all three."""
    with open_footage(SOURCE) as footage:
        count, shown, last = 0, None, None
        for _, frame in footage.frames():
            count += 1
            if shown is None or (count <= RATE and is_black(shown) and not is_black(frame)):
                shown = frame
            last = frame
        if shown is None or last is None:
            raise AssertionError("footage without frames is refused while it is read")
        still, end = picture(shown), picture(last)
        still.save(THUMBNAIL, "JPEG", quality=_JPEG_QUALITY)
        end.save(LAST_FRAME, "JPEG", quality=_JPEG_QUALITY)
        return [
            clip_facts(footage.type, end.width, end.height, count, footage.rate),
            Facts(type="image/jpeg", width=still.width, height=still.height, palette=palette(still)),
            Facts(type="image/jpeg", width=end.width, height=end.height),
        ]


def clip_facts(kind: str, width: int, height: int, count: int, rate: Fraction) -> Facts:
    """Return the facts of a clip of this many frames at this rate."""
    return Facts(type=kind, width=width, height=height, duration=round(float(count / rate), 6), frames=count)


def _resample(footage: Footage) -> Iterator[VideoFrame]:
    """Yield the frame to be seen at every 24th of a second."""
    shown: VideoFrame | None = None
    count = 0
    end = Fraction(0)
    for time, frame in footage.frames():
        slot = round(time * RATE)
        while shown is not None and count < slot:
            yield shown
            count += 1
        shown = frame
        end = time + 1 / footage.rate
    while shown is not None and count < max(1, round(end * RATE)):
        yield shown
        count += 1
