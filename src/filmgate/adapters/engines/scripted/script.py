"""The script of a task: what is to happen to it, written in square brackets into its prompt."""

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


def read(prompt: str, default: Script) -> Script:
    """Read the directives of a prompt over the operator's defaults; what is not a directive is left alone.

    `[delay=2]`, `[steps=4]`, `[fail=moderated]`, `[fail=moderated: No.]`, `[hang]`, `[crash]`, `[crash=1]`.
    """
    script = default
    for match in _DIRECTIVE.finditer(prompt):
        name, value = match["name"], match["value"]
        script = msgspec.structs.replace(script, **{name: _value(name, value, getattr(script, name))})
    return script


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
    if not 0 <= number <= 86_400:
        return otherwise
    return number if name == "delay" else int(number)
