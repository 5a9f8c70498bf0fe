"""The models there are: which engines make one, what it can be asked for, and which is meant where none is named."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from filmgate.core.providers.account import Account
from filmgate.domain.capabilities import Capabilities, union
from filmgate.domain.errors import InvalidRequest, UnknownModel
from filmgate.domain.generation import Generation
from filmgate.domain.settings import EVERY_MODEL, EngineSettings, ModelSettings
from filmgate.domain.suggestions import meant
from filmgate.ports.engine import Engine

_LISTED = 50
"""Models that an error names, at most."""


class Model(msgspec.Struct, frozen=True):
    """A model by the name that requests give it, and the engines that make it."""

    name: str
    engines: tuple[str, ...]
    capabilities: Capabilities


class Models:
    """Knows the models of the engines that take new tasks.

    `default_engine` makes what no engine names; without one such a model is unknown. `default_model` is meant where a
    request names none.
    """

    def __init__(
        self,
        settings: Mapping[str, EngineSettings],
        engines: Mapping[str, Engine],
        accounts: Mapping[str, Account],
        *,
        default_engine: str | None,
        default_model: str | None = None,
    ) -> None:
        self._settings = {name: each for name, each in settings.items() if each.enabled}
        self._engines = engines
        self._accounts = accounts
        self._default_engine = default_engine if default_engine in self._settings else None
        self.default = default_model

    def makers(self, model: str | None) -> list[str]:
        """Return the engines that name a model, else those for every model, else the default; none if it is unknown."""
        for wanted in (model, EVERY_MODEL):
            names = [name for name, engine in self._settings.items() if wanted is not None and wanted in engine.models]
            if names:
                return names
        return [] if self._default_engine is None else [self._default_engine]

    def with_model(self, generation: Generation, usual: str | None = None) -> Generation:
        """Return a request with its model, which is chosen where none is named; None stays where any engine will do.

        `usual` is the model that the dialect means by none. Raises UnknownModel, InvalidRequest if one has to be named.
        """
        model = generation.model
        fitting = [each.name for each in self.list_models() if generation.kind in each.capabilities.kinds]
        if model is not None:
            if model == EVERY_MODEL or not self.makers(model):
                raise UnknownModel(self._unknown(model), field="model")
            if generation.kind not in self._model(model).capabilities.kinds:
                able = f"These do: {', '.join(fitting)}." if fitting else "No model here does."
                raise InvalidRequest(f'The model "{model}" makes no {generation.kind}s. {able}', field="model")
            return generation
        if self.default is not None and (self.default in fitting or not self._names(self.default)):
            return msgspec.structs.replace(generation, model=self.default)
        if self.makers(None):
            return generation
        if len(fitting) == 1 or usual in fitting:
            return msgspec.structs.replace(generation, model=fitting[0] if len(fitting) == 1 else usual)
        raise InvalidRequest(f"A model has to be named. {self._describe_known()}", field="model")

    def list_models(self) -> list[Model]:
        """Return the models that engines name, in their order; the default engine stands for itself."""
        names = dict.fromkeys(
            model for engine in self._settings.values() for model in engine.models if model != EVERY_MODEL
        )
        if self._default_engine is not None:
            names.setdefault(self._default_engine)
        return [self._model(name) for name in names]

    def others(self) -> Model | None:
        """Return what makes the models that nobody names, None if there are no others."""
        return self._model(EVERY_MODEL) if self.makers(None) else None

    def find(self, name: str) -> Model:
        """Return a model. Raises UnknownModel."""
        if name == EVERY_MODEL or not self.makers(name):
            raise UnknownModel(self._unknown(name), field="model")
        return self._model(name)

    def settings(self, engine: str, model: str | None) -> ModelSettings:
        """Return what an engine's table says of a model."""
        models = self._settings[engine].models if engine in self._settings else {}
        return models.get(model or "") or models.get(EVERY_MODEL) or ModelSettings()

    def capabilities(self, engine: str, model: str | None) -> Capabilities:
        """Return what an engine can be asked for with a model."""
        name = self.settings(engine, model).name or (None if model == EVERY_MODEL else model)
        account = self._accounts.get(engine)
        can = (self._engines[engine] if account is None else account.provider).capabilities(name)
        wanted = self._settings[engine].operations if engine in self._settings else ()
        if not wanted:
            return can
        return msgspec.structs.replace(can, operations=tuple(each for each in can.operations if each in wanted))

    def _model(self, name: str) -> Model:
        makers = self.makers(name)
        return Model(name, tuple(makers), union([self.capabilities(engine, name) for engine in makers]))

    def _names(self, model: str) -> bool:
        return any(model in engine.models for engine in self._settings.values())

    def _unknown(self, model: str) -> str:
        near = meant(model, [each.name for each in self.list_models()])
        question = "" if near is None else f' Did you mean "{near}"?'
        return f'There is no model "{model[:200]}".{question} {self._describe_known()}'

    def _describe_known(self) -> str:
        names = [each.name for each in self.list_models()]
        if not names:
            return "No model is configured on this service: its admin names them in the table of an engine."
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        return f"The models are: {', '.join(names[:_LISTED])}{more}."
