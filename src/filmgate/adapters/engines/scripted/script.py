"""The script of a task: what is to happen to it, said by the admin's settings and by the prompt."""

from __future__ import annotations

import re

import msgspec

_DIRECTIVE = re.compile(r"\[(?P<name>delay|steps|fail|hang|crash)(=(?P<value>[^\]]{0,200}))?\]")


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to a task.

    It takes `delay` seconds in `steps` equal steps of progress. With `fail` it then ends failed with that code, or
    with `code: message`. With `hang` it never ends by itself. With `crash` its worker process dies, so many times.
    """

    delay: float = 0.0
    steps: int = 1
    fail: str | None = None
    hang: bool = False
    crash: int = 0


class Scenario(Script, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A script for every prompt that contains the words of `match`, in upper or lower case."""

    match: str


class Playbook(Script, frozen=True, forbid_unknown_fields=True):
    """What the admin has set: a script for all tasks, and scenarios of which the first that matches is taken.

    With `preview` the clips are said to be previews, for tests of who shows them. With `decode` they are decoded after
    they were made, as those of other engines are.
    """

    scenarios: tuple[Scenario, ...] = ()
    preview: bool = False
    decode: bool = False

    def script_for(self, prompt: str) -> Script:
        """Return the script of a task: the admin's, overruled by the directives in the prompt.

        `[delay=2]`, `[steps=4]`, `[fail=moderated]`, `[fail=moderated: No.]`, `[hang]`, `[crash]`, `[crash=1]`; what
        is not a directive is left alone.
        """
        text = prompt.casefold()
        script: Script = next((scene for scene in self.scenarios if scene.match.casefold() in text), self)
        for found in _DIRECTIVE.finditer(prompt):
            name, value = found["name"], found["value"]
            script = msgspec.structs.replace(script, **{name: _value(name, value, getattr(script, name))})
        return script


def strip_directives(prompt: str) -> str:
    """Return a prompt without its directives."""
    return _DIRECTIVE.sub(" ", prompt)


def _value(name: str, text: str | None, otherwise: object) -> object:
    if name == "hang":
        return text != "0"
    if name == "fail":
        return text or "generation_failed"
    if text is None:
        return 1_000 if name == "crash" else otherwise
    try:
        number = float(text)
    except ValueError:
        return otherwise
    if not 0 <= number <= 86_400 or (name == "steps" and number < 1):
        return otherwise
    return number if name == "delay" else int(number)
