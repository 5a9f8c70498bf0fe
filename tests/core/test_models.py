"""Which models there are, which one is meant where none is named, and what is said of one that there is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.engines.scripted import ScriptedEngine
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.core.providers.account import Account
from filmgate.core.providers.models import Models
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.errors import InvalidRequest, UnknownModel
from filmgate.domain.generation import Generation, Kind, Operation
from filmgate.domain.settings import DEFAULT_ENGINE, EngineSettings, Settings
from filmgate.domain.suggestions import edits, meant

PROVIDERS: dict[str, Any] = {"acedata": AceDataUpstream, "dream_machine": DreamMachineUpstream}


def models(default_engine: str | None = None, default_model: str | None = None, **tables: dict[str, Any]) -> Models:
    """Return the models of tables of engines by name; without a type they are scripted."""
    settings = {"studio": EngineSettings(type="scripted")}
    settings |= {name: EngineSettings(**{"type": "scripted"} | table) for name, table in tables.items()}
    accounts = {
        name: Account(name, PROVIDERS[each.type](HttpProviderClient("http://127.0.0.1:9", {}), {}), AccountSettings())
        for name, each in settings.items()
        if each.type in PROVIDERS
    }
    engines = {name: ScriptedEngine(name) for name in settings if name not in accounts}
    return Models(settings, engines, accounts, default_engine=default_engine, default_model=default_model)


def chosen(there: Models, model: str | None = None, kind: Kind = Kind.VIDEO, usual: str | None = None) -> str | None:
    """Return the model that a request is made with."""
    return there.with_model(Generation("a lake", model=model, kind=kind), usual).model


def test_an_unknown_model_is_an_error_that_lists_those_there_are():
    """It says which was probably meant, whatever its case."""
    there = models(one={"models": ["ray-2", "ray-flash-2"]}, two={"models": ["sora-2", "ray-2"]})
    for wrong, right in (("ray2", "ray-2"), ("RAY-2", "ray-2"), ("sora_2", "sora-2")):
        with pytest.raises(UnknownModel) as caught:
            chosen(there, wrong)
        assert caught.value.message == (
            f'There is no model "{wrong}". Did you mean "{right}"? The models are: ray-2, ray-flash-2, sora-2.'
        )
        assert (caught.value.field, caught.value.status, caught.value.code) == ("model", 400, "model_not_found")
    with pytest.raises(UnknownModel, match=r'^There is no model "veo"\. The models are: ray-2'):
        chosen(there, "veo")
    with pytest.raises(UnknownModel):
        chosen(there, "*")


def test_a_list_of_very_many_models_is_cut():
    """The error names fifty of them, and says how many there are besides."""
    there = models(one={"models": [f"m{number}" for number in range(60)]})
    with pytest.raises(UnknownModel, match=r"m48, m49 and 10 more\.$"):
        chosen(there, "something-else")


def test_without_any_model_the_error_says_so():
    """There is nothing to list."""
    with pytest.raises(UnknownModel, match="No model is configured"):
        chosen(models(), "ray-2")
    with pytest.raises(InvalidRequest, match="No model is configured"):
        chosen(models())


def test_the_default_engine_makes_every_model_that_nobody_names():
    """The studio alone takes any name, and stands in the list under its own."""
    alone = models(DEFAULT_ENGINE)
    assert chosen(alone, "ray-3000") == "ray-3000"
    assert chosen(alone) is None
    assert alone.makers("ray-3000") == ["studio"]
    assert [model.name for model in alone.list_models()] == ["studio"]
    beside = models(DEFAULT_ENGINE, one={"models": ["ray-2"]})
    assert (beside.makers("ray-2"), beside.makers("sora")) == (["one"], ["studio"])


@pytest.mark.parametrize(
    ("default_model", "tables", "expected"),
    [
        ("b", {"one": {"models": ["a", "b"]}, "any": {"models": ["*"]}}, "b"),
        (None, {"one": {"models": ["a"]}, "any": {"models": ["*"]}}, None),
        (None, {"one": {"models": ["a"]}, "two": {"models": ["a"]}}, "a"),
    ],
    ids=["default-model", "engine-for-every-model", "only-model"],
)
def test_a_request_without_a_model_gets_the_first_that_there_is(
    default_model: str | None, tables: dict[str, Any], expected: str | None
):
    """The default model, else an engine for every model, else the only model that there is."""
    assert chosen(models(default_model=default_model, **tables)) == expected


def test_where_several_models_could_be_meant_one_has_to_be_named():
    """Unless the dialect itself says which one none means, and that one is there."""
    there = models(one={"models": ["ray-2", "sora-2"]})
    with pytest.raises(InvalidRequest, match=r"A model has to be named. The models are: ray-2, sora-2\.") as caught:
        chosen(there)
    assert caught.value.field == "model"
    assert chosen(there, usual="ray-2") == "ray-2"
    with pytest.raises(InvalidRequest):
        chosen(there, usual="ray-3.2")


def test_models_of_pictures_and_of_videos_are_not_taken_for_one_another():
    """Each request gets the model that makes what it asks for; one that cannot is refused before it is accepted."""
    there = models(luma={"type": "dream_machine", "models": ["ray-2", "photon-1"]})
    assert (chosen(there), chosen(there, kind=Kind.IMAGE)) == ("ray-2", "photon-1")
    with pytest.raises(InvalidRequest, match=r'The model "ray-2" makes no images\. These do: photon-1'):
        chosen(there, "ray-2", Kind.IMAGE)
    with pytest.raises(InvalidRequest, match=r'The model "ray-2" makes no images\. No model here does'):
        chosen(models(luma={"type": "dream_machine", "models": ["ray-2"]}), "ray-2", Kind.IMAGE)


def test_a_disabled_engine_has_no_models():
    """Also if it is the default engine: then there is none."""
    off = models(
        DEFAULT_ENGINE, studio={"enabled": False}, one={"models": ["ray-2"]}, two={"models": ["x"], "enabled": False}
    )
    assert [model.name for model in off.list_models()] == ["ray-2"]
    assert off.others() is None
    with pytest.raises(UnknownModel):
        chosen(off, "x")


def test_what_a_model_can_is_what_its_engines_can_and_are_used_for():
    """The name of a model at a provider says what it can; `operations` leave the others out."""
    there = models(
        luma={"type": "dream_machine", "models": {"pictures": {"name": "photon-1"}}},
        ace={"type": "acedata", "models": ["films", "*"], "operations": ["generate"]},
    )
    pictures, films = there.list_models()
    assert (pictures.name, pictures.engines, pictures.capabilities.kinds) == ("pictures", ("luma",), (Kind.IMAGE,))
    assert (films.capabilities.operations, films.capabilities.durations) == ((Operation.GENERATE,), (5,))
    others = there.others()
    assert others is not None
    assert (others.name, others.engines) == ("*", ("ace",))
    assert there.find("any-name").engines == ("ace",)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "studio"),
        ({"engines": {"scripted": {"type": "scripted", "models": ["scripted"]}}}, "studio"),
        ({"engines": {"luma": {"type": "dream_machine"}}}, None),
        ({"engines": {"luma": {"type": "dream_machine", "enabled": False}}}, None),
        ({"engines": {"luma": {"type": "dream_machine"}}, "default_engine": "studio"}, "studio"),
        ({"default_engine": "none"}, None),
        ({"engines": {"studio": {"type": "studio", "enabled": False}}}, None),
    ],
    ids=["alone", "scripted", "provider", "disabled-provider", "explicit", "none", "studio-off"],
)
def test_the_studio_is_the_default_as_long_as_there_is_no_provider(options: dict[str, Any], expected: str | None):
    """One that is switched off counts too: its models must not become drafts for that."""
    assert Settings(**options).fallback == expected


@given(st.text(max_size=8), st.text(max_size=8))
def test_edits_are_symmetric_and_none_between_equals(one: str, other: str):
    """It is a distance: at most the longer length, at least the difference of both."""
    far = edits(one, other)
    assert far == edits(other, one)
    assert (far == 0) == (one == other)
    assert abs(len(one) - len(other)) <= far <= max(len(one), len(other))


def test_edits_count_swapped_neighbours_once():
    """That is the most common slip of all."""
    assert [edits("port", other) for other in ("prot", "por", "ports", "pork", "host")] == [1, 1, 1, 1, 2]
    assert meant("completely-different", ["ray-2"]) is None
