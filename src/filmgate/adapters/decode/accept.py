"""Clips that a provider made, taken over: verified to the last frame, and written anew by us."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import msgspec
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

from filmgate.adapters.decode.clips import clip_facts
from filmgate.adapters.decode.footage import Footage, open_footage
from filmgate.adapters.decode.frames import even_size, fit, h264_track
from filmgate.adapters.decode.messages import CLIP, SOURCE
from filmgate.adapters.decode.sound import open_sound
from filmgate.domain.media import Facts

# What every browser plays.
_PLAYED = frozenset({"yuv420p", "yuvj420p"})
# Encoders and cameras leave their names and places in these units of the picture data, which no decoder needs.
_WITHOUT_NOTES = "filter_units=remove_types=6"
# The clock of Matroska counts milliseconds: times this near to the pace of the clip are meant to be on it.
_ROUNDING = Fraction(3, 2000)
_FINE = 12_000
# The muxer writes neither its name nor the time.
_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


class _Plan(msgspec.Struct, frozen=True):
    """What a clip that can be taken over as it is was found to be."""

    width: int
    height: int
    frames: int


def accept_clip() -> list[Facts]:
    """Write the clip in `SOURCE` to `CLIP`, playable everywhere, with its sound and nothing else. Raises InvalidMedia.

    H.264 that browsers play is verified and copied; everything else is re-encoded at its own size and pace.
    """
    with open_footage(SOURCE) as footage:
        plan = _verify(footage) if _could_stay(footage) else None
    with open_footage(SOURCE) as footage, open_sound(SOURCE) as sound, av.open(CLIP, "w", options=_OPTIONS) as output:
        pictures = _Copied(footage, output, plan) if plan else _Encoded(footage, output)
        tracks: list[Iterator[Packet[Any]]] = [pictures.packets()]
        if sound:
            tracks.append(sound.write(output))
        for packet in heapq.merge(*tracks, key=_time):
            output.mux_one(packet)
        return [pictures.facts()]


class _Copied:
    """The pictures of a clip, packet by packet as they came."""

    def __init__(self, footage: Footage, output: OutputContainer, plan: _Plan) -> None:
        self._footage = footage
        self._plan = plan
        self._track = output.add_stream_from_template(footage.stream, opaque=True)

    def packets(self) -> Iterator[Packet[Any]]:
        """Yield the packets to write."""
        strip = BitStreamFilterContext(_WITHOUT_NOTES, self._footage.stream, self._track)
        for packet in self._footage.coded_packets():
            for stripped in strip.filter(packet):
                stripped.stream = self._track
                yield stripped

    def facts(self) -> Facts:
        """Return the facts of the written file."""
        plan = self._plan
        return clip_facts("video/mp4", plan.width, plan.height, plan.frames, self._footage.rate)


class _Encoded:
    """The pictures of a clip, each encoded anew at the time it was shown."""

    def __init__(self, footage: Footage, output: OutputContainer) -> None:
        self._footage = footage
        self._frames = footage.frames(missing=1)
        self._first = next(self._frames)
        self._rate = footage.rate.limit_denominator(1001)
        self._count = 0
        self._track = h264_track(output, *even_size(self._first[1], footage.aspect), self._rate)
        # One tick is fine enough for an uneven pace, and an even one falls on whole ticks.
        self._clock = Fraction(1, self._rate.numerator * math.ceil(_FINE / self._rate.numerator))
        self._track.codec_context.time_base = self._clock

    def packets(self) -> Iterator[Packet[Any]]:
        """Yield the packets to write."""
        last = -1
        for time, frame in itertools.chain([self._first], self._frames):
            shown = fit(frame, self._track.width, self._track.height)
            last = max(last + 1, self._ticks(self._footage.start + time))
            shown.pts, shown.time_base = last, self._clock
            self._count += 1
            yield from self._track.encode(shown)
        yield from self._track.encode(None)

    def facts(self) -> Facts:
        """Return the facts of the written file."""
        return clip_facts("video/mp4", self._track.width, self._track.height, self._count, self._rate)

    def _ticks(self, time: Fraction) -> int:
        paced = round(time * self._rate) / self._rate
        return max(0, round((paced if abs(paced - time) <= _ROUNDING else time) / self._clock))


def _could_stay(footage: Footage) -> bool:
    context = footage.stream.codec_context
    playable = context.codec.name == "h264" and context.pix_fmt in _PLAYED
    return playable and footage.type == "video/mp4" and footage.aspect == 1


def _verify(footage: Footage) -> _Plan | None:
    """Decode a clip to its end; None if it is whole, but must not be copied as it is. Raises InvalidMedia."""
    count = turned = 0
    for _, frame in footage.frames(missing=1):
        count += 1
        turned += frame.rotation % 360 != 0
    if turned or footage.hidden or count != footage.packets:
        return None
    context = footage.stream.codec_context
    return _Plan(context.width, context.height, count)


def _time(packet: Packet[Any]) -> Fraction:
    """Return the seconds at which a packet is due."""
    return (packet.dts or 0) * Fraction(packet.time_base)
