"""The sound of a clip: taken over as it is where it is AAC, and made AAC where it is not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from filmgate.adapters.decode.footage import MAX_SECONDS, open_container
from filmgate.domain.errors import InvalidMedia

_DECODERS = ("aac", "mp3", "mp3float", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "pcm_s16le", "pcm_s16be")
_RATES = (44_100, 48_000)
_BITS = 160_000
# Sound may go on a little after the last frame.
_SLACK = 2


class Sound:
    """The first sound track of an open clip. Every packet of it is decoded, to see whether it can be."""

    def __init__(self, container: InputContainer, track: AudioStream) -> None:
        """Take an open container and its track."""
        self._container = container
        self._track = track
        self._plays = track.codec_context.codec.name == "aac"

    def write(self, output: OutputContainer) -> Iterator[Packet[AudioStream]]:
        """Add a track to the output and yield its packets."""
        if self._plays:
            track = output.add_stream_from_template(self._track, opaque=True)
            return self._copy(track)
        rate = self._track.codec_context.sample_rate
        coded = output.add_stream("aac", rate=rate if rate in _RATES else _RATES[-1])
        coded.layout = "mono" if self._track.codec_context.layout.nb_channels == 1 else "stereo"
        coded.bit_rate = _BITS
        return self._encode(coded)

    def _copy(self, track: AudioStream) -> Iterator[Packet[AudioStream]]:
        for packet, _ in self._decode():
            if packet.dts is not None and packet.size:
                packet.stream = track
                yield packet

    def _encode(self, track: AudioStream) -> Iterator[Packet[AudioStream]]:
        """Yield the sound without the gaps that clocks of other containers leave by rounding."""
        context = track.codec_context
        resampler = AudioResampler(format="fltp", layout=context.layout, rate=context.sample_rate)
        at: int | None = None
        for _, frames in self._decode():
            for frame in (one for given in frames for one in resampler.resample(given)):
                at = max(0, round((frame.time or 0.0) * context.sample_rate)) if at is None else at
                frame.pts, frame.time_base = at, Fraction(1, context.sample_rate)
                at += frame.samples
                yield from track.encode(frame)
        if at is not None:
            yield from track.encode(None)

    def _decode(self) -> Iterator[tuple[Packet[AudioStream], list[av.AudioFrame]]]:
        try:
            for packet in self._container.demux(self._track):
                if packet.is_corrupt:
                    raise InvalidMedia("The sound of the video is cut off.")
                if packet.pts is not None and packet.pts * packet.time_base > MAX_SECONDS + _SLACK:
                    raise InvalidMedia(f"The sound is longer than the {MAX_SECONDS} seconds that are allowed.")
                yield packet, packet.decode()
        except av.FFmpegError as error:
            raise InvalidMedia("The sound of the video is damaged: a part of it cannot be decoded.") from error


@contextlib.contextmanager
def open_sound(name: str) -> Iterator[Sound | None]:
    """Open the sound of a clip in the current folder; None if there is none that can be decoded."""
    with open_container(name, _DECODERS) as (container, _):
        tracks = [track for track in container.streams.audio if _is_known(track)]
        yield Sound(container, tracks[0]) if tracks else None


def _is_known(track: AudioStream) -> bool:
    context = track.codec_context
    return context.codec.name in _DECODERS and context.sample_rate > 0 and 0 < context.layout.nb_channels <= 8
