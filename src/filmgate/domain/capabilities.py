"""What a model of an engine can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec

from filmgate.domain.generation import Kind, Operation
from filmgate.domain.sizes import ASPECT_RATIOS, MAX_SECONDS, RESOLUTIONS

T = TypeVar("T")

DURATIONS = tuple(range(1, MAX_SECONDS + 1))
"""Every length that can be asked for, in seconds."""


class InputOption(StrEnum):
    """A picture, clip or earlier task that a generation can be given, by the role it has there."""

    START_IMAGE = "start_image"
    START_VIDEO = "start_video"
    START_TASK = "start_task"
    END_IMAGE = "end_image"
    END_VIDEO = "end_video"
    END_TASK = "end_task"
    IMAGE_REF = "image_ref"
    STYLE_REF = "style_ref"
    CHARACTER_REF = "character_ref"
    MODIFY_IMAGE_REF = "modify_image_ref"
    FIRST_FRAME = "first_frame"


STARTS = (InputOption.START_IMAGE, InputOption.START_VIDEO, InputOption.START_TASK)
SIDES = (*STARTS, InputOption.END_IMAGE, InputOption.END_VIDEO, InputOption.END_TASK)


class Capabilities(msgspec.Struct, frozen=True):
    """What can be asked for and is then made as asked; anything else is refused or changed.

    `durations` are lengths of a video in whole seconds; empty for a model that only makes pictures. `resolutions` are
    those that can be asked for by name; empty where the size cannot be chosen. `sizes`, as "1280x720", are all the
    sizes there are; empty where ratio and resolution decide.
    """

    kinds: tuple[Kind, ...] = (Kind.VIDEO,)
    operations: tuple[Operation, ...] = (Operation.GENERATE,)
    durations: tuple[int, ...] = DURATIONS
    aspect_ratios: tuple[str, ...] = ASPECT_RATIOS
    resolutions: tuple[str, ...] = RESOLUTIONS
    sizes: tuple[str, ...] = ()
    inputs: tuple[InputOption, ...] = ()
    loop: bool = True
    concepts: bool = False
    needs_prompt: bool = False


def union(several: Sequence[Capabilities]) -> Capabilities:
    """Return what at least one of several engines can, for a model that they all make; at least one is given."""
    first, *others = several
    for other in others:
        first = Capabilities(
            kinds=_union(first.kinds, other.kinds),
            operations=_union(first.operations, other.operations),
            durations=tuple(sorted(_union(first.durations, other.durations))),
            aspect_ratios=_union(first.aspect_ratios, other.aspect_ratios),
            resolutions=_union(first.resolutions, other.resolutions),
            # One engine without a list of its own takes any size.
            sizes=_union(first.sizes, other.sizes) if first.sizes and other.sizes else (),
            inputs=_union(first.inputs, other.inputs),
            loop=first.loop or other.loop,
            concepts=first.concepts or other.concepts,
            needs_prompt=first.needs_prompt and other.needs_prompt,
        )
    return first


def _union(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*one, *other)))
