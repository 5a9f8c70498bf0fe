"""Which role every route, tool and method of the service needs.

A route, tool or method that is not in exactly one of these tables makes a test fail: whoever adds one decides here.
"""

from __future__ import annotations

from filmgate.domain.roles import KeyRole

from .probes import OPEN

_READ = (
    *("/api/v1/tasks", "/api/v1/tasks/{task_id}", "/api/v1/tasks/{task_id}/events", "/api/v1/events"),
    *("/api/v1/engines", "/api/v1/me", "/api/v1/models", "/api/v1/usage"),
    *("/api/v1/webhooks", "/api/v1/webhooks/{webhook_id}"),
    *("/luma/generations/{task_id}", "/luma/v2/generations/{task_id}"),
    *("/luma/generations/{task_id}/download_video_url", "/luma/users/me", "/luma/subscription/usage"),
    *("/dream-machine/v1/generations", "/dream-machine/v1/generations/{generation_id}"),
    *("/dream-machine/v1/generations/concepts/list", "/dream-machine/v1/generations/camera_motion/list"),
    "/dream-machine/v1/credits",
    *("/agents/v1/generations/{generation_id}", "/agents/v1/files", "/agents/v1/files/{file_id}"),
    *("/v1/videos", "/v1/videos/{video_id}", "/v1/videos/{video_id}/content"),
    *("/v1/videos/characters/{character_id}", "/v1/models", "/v1/models/{model:path}"),
)
_SUBMIT = (
    *("/api/v1/tasks", "/api/v1/tasks/{task_id}/cancel"),
    *("/api/v1/webhooks/secret/rotate", "/api/v1/webhooks/{webhook_id}/resend"),
    *("/luma/generations/", "/luma/generations", "/luma/generations/file_upload", "/luma/v2/generations"),
    *("/luma/generations/{task_id}/extend", "/luma/videos"),
    *("/dream-machine/v1/generations", "/dream-machine/v1/generations/video"),
    *("/dream-machine/v1/generations/video/modify", "/dream-machine/v1/generations/video/reframe"),
    *("/dream-machine/v1/generations/image", "/dream-machine/v1/generations/image/reframe"),
    *("/dream-machine/v1/generations/{generation_id}/upscale", "/dream-machine/v1/generations/{generation_id}/audio"),
    *("/agents/v1/generations", "/agents/v1/files", "/agents/v1/files/{file_id}/complete"),
    *("/v1/videos", "/v1/videos/edits", "/v1/videos/extensions", "/v1/videos/{video_id}/remix"),
    "/v1/videos/characters",
)
_DELETE = (
    *("/api/v1/tasks/{task_id}", "/dream-machine/v1/generations/{generation_id}"),
    *("/agents/v1/files/{file_id}", "/v1/videos/{video_id}"),
)

ROUTES: dict[str, KeyRole | None] = {
    **dict.fromkeys(OPEN),
    **{f"GET {path}": KeyRole.VIEWER for path in _READ},
    "POST /luma/tasks": KeyRole.VIEWER,
    "GET /api/v1/webhooks/secret": KeyRole.MEMBER,
    **{f"POST {path}": KeyRole.MEMBER for path in _SUBMIT},
    **{f"DELETE {path}": KeyRole.MEMBER for path in _DELETE},
    **{f"GET /api/v1/admin/{path}": KeyRole.ADMIN for path in ("engines", "unknown", "usage", "limits")},
    **{f"POST /api/v1/admin/{path}": KeyRole.ADMIN for path in ("route", "unknown/{task_id}", "import")},
    "PATCH /api/v1/admin/limits/{application}": KeyRole.ADMIN,
    "GET /metrics": KeyRole.ADMIN,
}
"""The role that a route needs; None where it needs no key."""

TOOLS: dict[str, KeyRole] = {
    "luma_generate_video": KeyRole.MEMBER,
    "luma_generate_video_from_image": KeyRole.MEMBER,
    "luma_extend_video": KeyRole.MEMBER,
    "luma_extend_video_from_url": KeyRole.MEMBER,
    "luma_cancel_task": KeyRole.MEMBER,
    "luma_delete_task": KeyRole.MEMBER,
    "luma_list_models": KeyRole.VIEWER,
    "luma_get_task": KeyRole.VIEWER,
    "luma_wait_task": KeyRole.VIEWER,
    "luma_get_tasks_batch": KeyRole.VIEWER,
    "luma_list_tasks": KeyRole.VIEWER,
    "luma_list_aspect_ratios": KeyRole.VIEWER,
    "luma_list_actions": KeyRole.VIEWER,
}

METHODS: dict[str, KeyRole] = {
    "tools/list": KeyRole.VIEWER,
    "prompts/list": KeyRole.VIEWER,
    "prompts/get": KeyRole.VIEWER,
    "resources/list": KeyRole.VIEWER,
    "resources/templates/list": KeyRole.VIEWER,
    "resources/read": KeyRole.VIEWER,
    "tasks/get": KeyRole.VIEWER,
    "tasks/update": KeyRole.VIEWER,
    "tasks/cancel": KeyRole.MEMBER,
}
