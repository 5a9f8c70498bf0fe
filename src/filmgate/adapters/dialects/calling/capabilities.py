"""The references that the requests of an API can express: others are refused, not left out."""

from __future__ import annotations

from collections.abc import Set
from typing import Final, NamedTuple

from filmgate.domain.generation import Generation, GuideRole, Reference, ReferenceKind

_NAMES: Final = {
    ReferenceKind.IMAGE: "a picture",
    ReferenceKind.VIDEO: "a video from elsewhere",
    ReferenceKind.TASK: "an earlier video of its own",
    None: "nothing",
}


class DialectCapabilities(NamedTuple):
    """What a request can start from and end at, None being nothing, and which guiding pictures it takes."""

    starts: Set[ReferenceKind | None] = frozenset({None})
    ends: Set[ReferenceKind | None] = frozenset({None})
    guides: Set[GuideRole] = frozenset()

    def lacks(self, generation: Generation, api: str) -> str | None:
        """Return the first part of a generation without a place in the request, as a sentence, or None."""
        sides = (("start from", generation.start, self.starts), ("end at", generation.end, self.ends))
        for verb, reference, kinds in sides:
            if _kind(reference) not in kinds:
                can = " or ".join(name for kind, name in _NAMES.items() if kind in kinds)
                return f"In {api} this can {verb} {can}, not {verb} {_NAMES[_kind(reference)]}."
        strange = next((guide.role for guide in generation.guides if guide.role not in self.guides), None)
        return None if strange is None else f"In {api} this takes no picture as {strange.field}."


def _kind(reference: Reference | None) -> ReferenceKind | None:
    return None if reference is None else reference.kind


__all__ = ["DialectCapabilities"]
