"""The answers of the service, under the client's names. Fields that a newer service adds are left out."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from filmgate import api

Decision: TypeAlias = Literal["accepted", "submit_again", "fail"]
"""A decision about a request with an unknown outcome."""

Account: TypeAlias = api.NativeAccount
Adjustment: TypeAlias = api.NativeAdjustment
Candidate: TypeAlias = api.NativeCandidate
Engine: TypeAlias = api.NativeEngine
EngineStatus: TypeAlias = api.NativeEngineStatus
Failure: TypeAlias = api.NativeFailure
Image: TypeAlias = api.NativeImage
Model: TypeAlias = api.NativeModel
ModelList: TypeAlias = api.NativeModels
Resemblance: TypeAlias = api.NativeResemblance
Route: TypeAlias = api.NativeRoute
Task: TypeAlias = api.NativeTask
TaskPage: TypeAlias = api.NativePage
UnknownSubmit: TypeAlias = api.NativeUnknownSubmit
Video: TypeAlias = api.NativeVideo


def id_of(task: Task | str) -> str:
    """Return the id of what may be a task or its id."""
    return task if isinstance(task, str) else task.id


class Upload(msgspec.Struct, frozen=True):
    """The link of a file that the service keeps."""

    public_url: str
