"""The command about the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmgate.adapters.cli import options, output
from filmgate.adapters.cli.errors import Exit
from filmgate.adapters.cli.tables import show

if TYPE_CHECKING:
    from filmgate.client import Model

_HEAD = ("model", "engines", "makes", "seconds", "ratios", "sizes", "operations", "inputs")


def models(url: options.Url = None, key: options.Key = None, as_json: options.Json = False) -> int:
    """List the models for --model and what each one supports.

    In a terminal this is a table, else one model per line with tabs between the fields. The model `*` stands for every
    name that is not in the list, where an engine makes those.
    """
    with options.service(url, key) as filmgate:
        found = filmgate.models()
    if as_json:
        output.emit(found)
    else:
        others = () if found.others is None else (found.others,)
        show(_HEAD, (_row(model, found.default_model) for model in (*found.models, *others)))
    return Exit.DONE


def _row(model: Model, default: str | None) -> tuple[str, ...]:
    return (
        f"{model.name} (default)" if model.name == default else model.name,
        _join_names(model.engines),
        _join_names(model.kinds),
        _seconds(model.durations),
        _join_names(model.aspect_ratios),
        _join_names(model.sizes or model.resolutions),
        _join_names(model.operations),
        _join_names(model.inputs),
    )


def _join_names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "-"


def _seconds(durations: tuple[int, ...]) -> str:
    """Write lengths, a row of them without gaps as `1-10`."""
    if len(durations) > 2 and durations == tuple(range(durations[0], durations[-1] + 1)):
        return f"{durations[0]}-{durations[-1]}"
    return _join_names(tuple(map(str, durations)))
