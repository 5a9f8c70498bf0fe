"""The words that this API knows: concepts, camera moves, models and kinds of requests."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

NAME: Final = "dream_machine"

VideoModel = Literal["ray-2", "ray-flash-2"]
ImageModel = Literal["photon-1", "photon-flash-1"]
AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
Mode = Literal[
    "adhere_1", "adhere_2", "adhere_3", "flex_1", "flex_2", "flex_3", "reimagine_1", "reimagine_2", "reimagine_3"
]
"""How far a modified video may be from its source, from closest to freest."""

MODE: Final[Mode] = "flex_1"
"""The mode of every modification: the engines are told no other."""

VIDEO_MODEL: Final[VideoModel] = "ray-2"
IMAGE_MODEL: Final[ImageModel] = "photon-1"


class RequestType(StrEnum):
    """What `generation_type` says in a request."""

    VIDEO = "video"
    IMAGE = "image"
    UPSCALE = "upscale_video"
    AUDIO = "add_audio"
    MODIFY = "modify_video"
    REFRAME_VIDEO = "reframe_video"
    REFRAME_IMAGE = "reframe_image"


CONCEPTS: Final = (
    "truck_left", "pan_right", "pedestal_down", "low_angle", "pedestal_up", "selfie", "pan_left", "roll_right",
    "zoom_in", "over_the_shoulder", "orbit_right", "orbit_left", "static", "tiny_planet", "high_angle", "bolt_cam",
    "dolly_zoom", "overhead", "zoom_out", "handheld", "roll_left", "pov", "aerial_drone", "push_in", "crane_down",
    "truck_right", "tilt_down", "elevator_doors", "tilt_up", "ground_level", "pull_out", "aerial", "crane_up",
    "eye_level",
)  # fmt: skip
"""The keys of concepts."""

_MOVES = ("truck", "pan", "pedestal", "roll", "zoom", "orbit", "push", "pull", "crane", "tilt")

CAMERA_MOTIONS: Final = tuple(f"camera {key.replace('_', ' ')}" for key in CONCEPTS if key.split("_")[0] in _MOVES)
"""How the camera moves among them are written in a prompt."""
