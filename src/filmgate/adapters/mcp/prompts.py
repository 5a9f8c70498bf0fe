"""Guides for agents, in our own words."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from filmgate.adapters.mcp.arguments import MAX_WAIT
from filmgate.domain.generation import MAX_PROMPT
from filmgate.domain.sizes import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO, DEFAULT_SECONDS, MAX_SECONDS

INSTRUCTIONS: Final = (
    "Filmgate makes videos from text and pictures and keeps every task until it is deleted. Starting a video returns "
    f"a task_id at once; luma_wait_task waits for its end, at most {MAX_WAIT} seconds a call; a completed task has "
    "video_url, a failed one says why in failure. Every answer says in next_step what to do now. Starting again what "
    "was started makes a second video: look with luma_list_tasks first if unsure."
)
"""What a client tells its model about this server."""


class PromptGuide(NamedTuple):
    """A guide."""

    name: str
    title: str
    description: str
    text: str

    @property
    def definition(self) -> dict[str, Any]:
        """Return its description for clients."""
        return {"name": self.name, "title": self.title, "description": self.description}


_GUIDE: Final = f"""\
How to make a video here:

1. Choose the tool by what there is to start from.
   - only words: luma_generate_video
   - one or two pictures: luma_generate_video_from_image (start_image_url, end_image_url or both)
   - a finished task of this service: luma_extend_video with its video_id
   - a video from elsewhere: luma_extend_video_from_url
2. Choose aspect_ratio: {", ".join(ASPECT_RATIOS)}; {DEFAULT_ASPECT_RATIO} unless the user says where it will be shown.
   duration is 1 to {MAX_SECONDS} seconds, {DEFAULT_SECONDS} if not given.
3. Call the tool once and keep task_id. It returns before the video exists.
4. Call luma_wait_task with task_id until state is no longer pending. Several tasks: luma_get_tasks_batch, with
   poll_after_seconds between calls.
5. completed: show video_url. failed: read failure and next_step; tell the user in plain words what to change.

Never submit a second time because the first takes long. If the task_id was lost, luma_list_tasks finds it.
"""

_EXAMPLES: Final = f"""\
Worked examples:

A clip for a phone: luma_generate_video(prompt="…", aspect_ratio="9:16"), then luma_wait_task(task_id) until the end.

A picture that comes to life: luma_generate_video_from_image(prompt="what moves and how", start_image_url="…").

From one picture to another: the same tool with start_image_url and end_image_url; the prompt says what happens between.

A longer story: make the first part; when it is completed, luma_extend_video(video_id, prompt="what happens next"). The
answer is a new task, whose video holds both parts. Repeat with its video_id.

An endless background: luma_generate_video(prompt="…", loop=true).

Three versions at once: start three tasks, then luma_get_tasks_batch with their ids every poll_after_seconds until none
is pending (luma_wait_task follows one task, up to {MAX_WAIT} seconds a call).

Changed your mind: luma_cancel_task stops a pending task. luma_delete_task removes a task with its files, for good.
"""

_WRITING: Final = f"""\
How to write a prompt that works (1 to {MAX_PROMPT} characters):

- Begin with the subject and what it does: one action that fits into a few seconds.
- Then the place, the light and the time of day.
- Then the camera: still, slow push in, pan left, from above, hand-held.
- Then style or mood in a few words: documentary, watercolour, calm, tense.
- With a picture, do not describe what it shows; describe what changes.
- For an extension, describe only what comes next.
- Say what is there, not what is not.

Examples:
- "A fox crosses a snowy clearing and looks up, pale morning light, slow pan right, quiet, wide shot"
- "Steam rises from a cup on a window sill while rain runs down the glass, close-up, warm lamp light, still camera"
- "The camera glides over a night city towards a lit bridge, light trails below, deep blue, cinematic"
- (extension) "The fox turns and runs into the trees, snow falls from the branches"
"""

GUIDES: Final = (
    PromptGuide(
        "luma_video_generation_guide", "Make a video", "Which tool to call when, and how to follow a task.", _GUIDE
    ),
    PromptGuide(
        "luma_workflow_examples", "Worked examples", "Short recipes: portrait, picture, story, loop.", _EXAMPLES
    ),
    PromptGuide("luma_prompt_suggestions", "Write a good prompt", "What a prompt should say, with examples.", _WRITING),
)
"""All guides; the names are those of other Luma servers."""

BY_NAME: Final = {guide.name: guide for guide in GUIDES}
