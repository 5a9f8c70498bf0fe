"""Clips with sound, titles and other tracks, as providers make them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from tests.media.painting import Paint

SECRETS = {"title": "secret title", "comment": "prompt: secret", "location": "+12.3456+045.6789/", "encoder": "secret"}


def make_film(
    path: Path,
    paint: Paint,
    frames: int,
    *,
    rate: int | Fraction = 24,
    codec: str = "libx264",
    sound: str | None = None,
    subtitles: bool = False,
    pix_fmt: str = "yuv420p",
    movflags: str = "",
    options: Mapping[str, str] | None = None,
) -> Path:
    """Encode painted pictures, with a tone of 440 Hz where there is sound, and with foreign metadata."""
    muxing = {"movflags": f"{movflags}+use_metadata_tags"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=muxing) as output:
        output.metadata.update(SECRETS)
        stream = output.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height = paint(0).size
        stream.pix_fmt = pix_fmt
        stream.metadata["handler_name"] = "secret handler"
        track = _sound_track(output, sound) if sound else None
        words = output.add_mux_stream("mov_text") if subtitles else None
        for number in range(frames):
            frame = av.VideoFrame.from_image(paint(number)).reformat(format=pix_fmt)
            frame.pts = number
            output.mux(stream.encode(frame))
            if track:
                output.mux(track.encode(_tone(track.rate, number / rate, (number + 1) / rate)))
        if words:
            _say(output, words)
        output.mux(stream.encode())
        if track:
            output.mux(track.encode())
    return path


def loudness(path: Path) -> tuple[float, float]:
    """Decode the sound of a clip; gives its seconds and its loudest frequency in Hz."""
    with av.open(str(path), format="mov") as container:
        track = container.streams.audio[0]
        pieces = [frame.to_ndarray()[0] for frame in container.decode(track)]
        samples = np.concatenate(pieces)
        spectrum = np.abs(np.fft.rfft(samples))
        return len(samples) / track.rate, float(np.argmax(spectrum) * track.rate / len(samples))


def pictures(path: Path) -> list[bytes]:
    """Decode the pictures of a clip to their bytes."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def _sound_track(output: Any, codec: str) -> Any:
    track = output.add_stream(codec, rate=48_000)
    track.layout = "stereo"
    return track


def _tone(rate: int, start: Any, stop: Any) -> av.AudioFrame:
    first, last = round(rate * start), round(rate * stop)
    wave = (0.4 * np.sin(2 * np.pi * 440 * np.arange(first, last) / rate)).astype("float32")
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = rate, first
    return frame


def _say(output: Any, track: Any) -> None:
    packet = av.Packet(b"\0\x0fsecret subtitle")
    packet.stream, packet.time_base = track, Fraction(1, 1000)
    packet.pts = packet.dts = 0
    packet.duration = 500
    output.mux(packet)
