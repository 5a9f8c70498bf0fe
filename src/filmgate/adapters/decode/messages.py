"""What the service, the helper process and its children say to one another."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from filmgate.domain.media import Facts

SOURCE = "source"
PICTURE = "picture.png"
PHOTO = "picture.jpg"
CLIP = "clip.mp4"
THUMBNAIL = "thumbnail.jpg"
LAST_FRAME = "last_frame.jpg"
PREVIEW = "preview.jpg"
OUTCOME = "outcome.json"
PROBE = "probe.json"


NO_ROOM = 75
"""The exit code of a child that found no room on the disk; what it could have written about it would not be there."""


class SandboxOperation(StrEnum):
    """What a child does with its one file."""

    PICTURE = "picture"
    CLIP = "clip"
    DEVELOP = "develop"
    PRINT = "print"
    PREVIEW = "preview"
    ACCEPT_CLIP = "accept_clip"
    ACCEPT_PNG = "accept_png"
    ACCEPT_JPEG = "accept_jpeg"
    PROBE = "probe"


class SandboxLayer(StrEnum):
    """What keeps a child from the rest of the machine, each by itself where the system offers it."""

    NETWORK = "network namespace"
    MOUNTS = "mount namespace"
    LANDLOCK = "Landlock"
    SCOPES = "Landlock scopes"
    SECCOMP = "seccomp"


class ChildLimits(msgspec.Struct, frozen=True):
    """What a child may use: bytes of address space, seconds of CPU, seconds of wall clock, bytes of a written file.

    `pixels` are those of a clip over all its frames (0: no limit). `nice` is by how much it stands back for others.
    """

    memory: int
    cpu: int
    wall: int
    file: int
    pixels: int = 0
    nice: int = 0


class SandboxJob(msgspec.Struct, frozen=True, tag="job"):
    """Run one operation in a child whose folder holds its file under the name `SOURCE`."""

    number: int
    operation: SandboxOperation
    folder: str
    limits: ChildLimits


class StopChild(msgspec.Struct, frozen=True, tag="stop"):
    """Kill the child of that job."""

    number: int


class ChildExited(msgspec.Struct, frozen=True):
    """A child is gone. `status` is its exit code, or minus the signal that ended it; `late` that its time was up."""

    number: int
    status: int
    late: bool


class SandboxResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a child left in its folder: facts, or a sentence for the user; `trace` is for the admin's log only.

    `missing` lists the layers of the sandbox that the system did not offer.
    """

    facts: list[Facts] = []
    error: str | None = None
    trace: str | None = None
    missing: list[SandboxLayer] = []
