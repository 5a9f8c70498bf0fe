"""What providers are sent has a type, and each of its fields is one that the dialect itself reads."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from filmgate.adapters.dialects.acedata import requests as acedata
from filmgate.adapters.dialects.agents.requests import bodies as agents
from filmgate.adapters.dialects.agents.requests.submit import AgentsReference, AgentsSubmit, AgentsVideo
from filmgate.adapters.dialects.dream_machine.requests import bodies as dream_machine
from filmgate.adapters.dialects.dream_machine.requests.builder import DreamMachineSubmit, Keyframe, Keyframes
from filmgate.adapters.dialects.dream_machine.requests.fields import Frame, Frames
from filmgate.adapters.dialects.gateway import requests as gateway
from filmgate.adapters.dialects.openai_videos import requests as openai_videos

DREAM_MACHINE = (
    dream_machine.VideoBody,
    dream_machine.ImageBody,
    dream_machine.ModifyBody,
    dream_machine.ReframeVideoBody,
    dream_machine.ReframeImageBody,
    dream_machine.UpscaleBody,
    dream_machine.AudioBody,
)


def fields_of(*models: type[BaseModel]) -> set[str]:
    """Return the names of the fields of some bodies, as they are on the wire."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (gateway.GatewaySubmit, fields_of(gateway.CreateBody)),
        (acedata.AceDataSubmit, fields_of(acedata.VideosBody)),
        (openai_videos.OpenAISubmit, fields_of(openai_videos.CreateBody) | {"video[id]"}),
        (AgentsSubmit, fields_of(agents.GenerationBody)),
        (AgentsVideo, fields_of(agents.VideoOptions)),
        (AgentsReference, fields_of(agents.MediaRef)),
        (DreamMachineSubmit, fields_of(*DREAM_MACHINE)),
        (Keyframes, fields_of(Frames)),
        (Keyframe, fields_of(Frame)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_provider_is_sent_only_fields_that_the_dialect_has(sent: Any, read: set[str]):
    """A field with another name would be dropped by every server of the dialect, our own too."""
    assert set(sent.__annotations__) <= read
