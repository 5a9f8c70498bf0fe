"""A mistyped setting never does something silently."""

from __future__ import annotations

import json
import os
import string
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from filmgate.adapters.cli.configuration import settings
from filmgate.adapters.cli.errors import CommandExit
from filmgate.app.engines import upstream_types
from filmgate.domain.environment import is_service_link, strangers
from filmgate.domain.settings import LOCAL, TYPES, Settings
from filmgate.domain.suggestions import edits

OPTIONS = sorted(Settings.model_fields)
VARIABLES = [f"FILMGATE_{option.upper()}" for option in OPTIONS]
LETTERS = string.ascii_uppercase + "_"


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Take every variable of Filmgate away, and go where there is no configuration file."""
    for name in [name for name in os.environ if name.upper().startswith("FILMGATE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@st.composite
def slips(draw: st.DrawFn) -> str:
    """Return the name of an option with one or two slips behind the prefix: letters lost, added, replaced, swapped."""
    name = draw(st.sampled_from(VARIABLES))
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(len("FILMGATE_"), len(name) - 1))
        letter = draw(st.sampled_from(LETTERS))
        name = draw(
            st.sampled_from(
                [
                    name[:place] + name[place + 1 :],
                    name[:place] + letter + name[place:],
                    name[:place] + letter + name[place + 1 :],
                    name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :]
                    if place > len("FILMGATE_")
                    else name + letter,
                ]
            )
        )
        if len(name) <= len("FILMGATE_"):
            return name + letter
    return name


@hypothesis.settings(max_examples=25)
@given(slips())
def test_every_slip_within_two_edits_of_an_option_stops_the_start(name: str) -> None:
    """Unless it makes the name of another option, or of something else that is read."""
    others = {*VARIABLES, "FILMGATE_URL", "FILMGATE_KEY", "FILMGATE_CONFIG", "FILMGATE_FAULT", "FILMGATE_API_KEY"}
    if name in others:
        assert list(strangers({name: "1"}, OPTIONS)) == []
        return
    with pytest.raises(ValueError, match=r"there is no such option\. Did you mean FILMGATE_"):
        list(strangers({name: "1"}, OPTIONS))


@hypothesis.settings(max_examples=25)
@given(st.text(LETTERS + string.digits, min_size=1, max_size=30))
def test_other_variables_are_one_warning(rest: str) -> None:
    """What is further from every option is somebody else's: one line says that it is not read."""
    name = f"FILMGATE_{rest}"
    if is_service_link(name, "1") or min(edits(name, each) for each in [*VARIABLES, "FILMGATE_CONFIG"]) <= 2:
        return
    said = list(strangers({name: "1"}, OPTIONS))
    assert said in ([], [f"{name} is no option of Filmgate and is ignored."])
    assert list(strangers({name: ""}, OPTIONS)) == []


@given(
    st.text(string.ascii_uppercase + string.digits, max_size=6),
    st.sampled_from(["tcp", "udp", "sctp"]),
    st.integers(1, 65_535),
)
def test_service_links_never_stop_the_start(name: str, protocol: str, port: int) -> None:
    """Whatever a service is called, what Kubernetes sets for it is known and ignored."""
    service = f"FILMGATE_{name}" if name else "FILMGATE"
    each = f"{service}_PORT_{port}_{protocol.upper()}"
    links = {
        f"{service}_SERVICE_HOST": "10.0.0.1",
        f"{service}_SERVICE_PORT": str(port),
        f"{service}_SERVICE_PORT_HTTP": str(port),
        f"{service}_PORT": f"{protocol}://10.0.0.1:{port}",
        each: f"{protocol}://10.0.0.1:{port}",
        f"{each}_PROTO": protocol,
        f"{each}_PORT": str(port),
        f"{each}_ADDR": "10.0.0.1",
    }
    assert list(strangers(links, OPTIONS)) == []


def test_the_link_of_a_service_called_filmgate_is_no_port(nothing_set: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """FILMGATE_PORT=tcp://… says nothing about the port to listen on; the file and the default still do."""
    nothing_set.setenv("FILMGATE_PORT", "tcp://10.0.0.1:8484")
    nothing_set.setenv("FILMGATE_SERVICE_PORT", "80")
    assert settings().port == 8484
    (tmp_path / "filmgate.toml").write_text("port = 9000")
    assert settings().port == 9000
    nothing_set.setenv("FILMGATE_PORT", "8000")
    assert settings().port == 8000


def test_variables_are_read_in_any_case_and_checked_so(nothing_set: pytest.MonkeyPatch) -> None:
    """A name in small letters is the same option, and the same slip."""
    nothing_set.setenv("filmgate_port", "9001")
    assert settings().port == 9001
    nothing_set.setenv("filmgate_prot", "9001")
    with pytest.raises(CommandExit, match=r"filmgate_prot: there is no such option\. Did you mean FILMGATE_PORT"):
        settings()


def test_an_empty_variable_is_not_set(nothing_set: pytest.MonkeyPatch) -> None:
    """Compose files pass empty values on for what nobody has set."""
    for name in ("FILMGATE_PORT", "FILMGATE_PROT", "FILMGATE_ENGINES", "FILMGATE_CONFIG"):
        nothing_set.setenv(name, "")
    assert settings().port == 8484


def test_the_variable_of_a_key_is_known(nothing_set: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The name that key_env gives may begin as options do, and may even look like one."""
    table = {"luma": {"type": "agents", "key_env": "FILMGATE_PORTS"}}
    nothing_set.setenv("FILMGATE_ENGINES", json.dumps(table))
    nothing_set.setenv("FILMGATE_PORTS", "a key")
    nothing_set.setenv("FILMGATE_SOMETHING_ELSE", "a secret")
    settings(warn=True)
    said = capsys.readouterr().err
    assert said == "filmgate: warning: FILMGATE_SOMETHING_ELSE is no option of Filmgate and is ignored.\n"


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.usefixtures("nothing_set")
def test_a_slip_in_the_file_stops_the_start(option: str, tmp_path: Path) -> None:
    """Every key with a letter too many is named with the right one."""
    (tmp_path / "filmgate.toml").write_text(f"{option}x = 1")
    with pytest.raises(CommandExit) as caught:
        settings()
    assert f'{option}x in filmgate.toml: there is no such key; the nearest is "{option}"' in caught.value.message


NUMBERS = [
    name
    for name, field in Settings.model_fields.items()
    if isinstance(field.default, int | float) and field.annotation is not bool
]


@pytest.mark.parametrize("option", NUMBERS)
@pytest.mark.parametrize("value", ["true", "false"])
@pytest.mark.usefixtures("nothing_set")
def test_true_and_false_are_no_numbers(option: str, value: str, tmp_path: Path) -> None:
    """False would switch a limit off."""
    (tmp_path / "filmgate.toml").write_text(f"{option} = {value}")
    with pytest.raises(CommandExit, match=f"{option} in filmgate.toml: must not be true or false"):
        settings()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[engines.luma]\ntype = 'dream_machin'", 'engines.luma.type in filmgate.toml: "dream_machin" is not one of'),
        ("[engines.luma]\nmodels = ['a']", "engines.luma.type in filmgate.toml: is missing: write one of studio"),
        ("[engines.agents]\nmodels = 'a'", 'engines.agents.models in filmgate.toml: must be a list, such as ["a"]'),
        ("[engines.agents]\nmodels = [1]", "must be a list of texts"),
        ("[engines.agents]\nmodels = [' a']", "cannot name a model"),
        ("[engines.agents]\nmodels.a.nam = 'b'", "engines.agents.models.a.nam in filmgate.toml: there is no such key"),
        ("[engines.agents]\nweight = true", "engines.agents.weight in filmgate.toml: must not be true or false"),
        ("[engines.agents]\noperations = ['extnd']", "Input should be 'generate', 'extend'"),
        ("[engines.studio]\ntype = 'agents'", "is the name of the studio"),
        (
            "[engines.studio]\nenabled = 'maybe'",
            "engines.studio.enabled in filmgate.toml: Input should be a valid",
        ),
        ("default_engine = 'off'", "default_engine in filmgate.toml: Input should be 'studio' or 'none'"),
        (
            "default_model = 'ray2'\n[engines.agents]\nmodels = ['ray-2']",
            'default_model: no engine makes "ray2"; did you mean "ray-2"?',
        ),
        ("default_engine = 'studio'\n[engines.studio]\nenabled = false", "default_engine: the studio is not enabled"),
        ("allowed_hosts = 1", "allowed_hosts in filmgate.toml: Input should be a valid"),
    ],
)
@pytest.mark.usefixtures("nothing_set")
def test_wrong_tables_are_named_with_what_is_allowed(table: str, words: str, tmp_path: Path) -> None:
    """The error has the whole key, the file, and what to write."""
    (tmp_path / "filmgate.toml").write_text(table)
    with pytest.raises(CommandExit) as caught:
        settings()
    assert words in caught.value.message, caught.value.message


def test_wrong_flags_and_variables_are_named_as_they_were_given(nothing_set: pytest.MonkeyPatch) -> None:
    """Not by the file, which says nothing about them."""
    with pytest.raises(CommandExit, match=r"--port \(port\): "):
        settings(port=99_999)
    nothing_set.setenv("FILMGATE_ENGINES", json.dumps({"luma": {"type": "agent"}}))
    with pytest.raises(CommandExit, match=r"FILMGATE_ENGINES \(engines.luma.type\): \"agent\" is not one of"):
        settings()


def test_lists_in_variables_are_words_or_json(nothing_set: pytest.MonkeyPatch) -> None:
    """Both forms mean the same; broken JSON is an error and not an odd name."""
    for text in ("a.example, b.example", '["a.example", "b.example"]'):
        nothing_set.setenv("FILMGATE_ALLOWED_HOSTS", text)
        assert settings().allowed_hosts == ("a.example", "b.example")
    nothing_set.setenv("FILMGATE_ALLOWED_HOSTS", '["a.example"')
    with pytest.raises(CommandExit, match=r"FILMGATE_ALLOWED_HOSTS \(allowed_hosts\)"):
        settings()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.usefixtures("nothing_set")
def test_an_engine_called_as_a_type_is_of_that_type(kind: str) -> None:
    """The table of the studio, and of the one account with a provider, needs no type."""
    table: dict[str, Any] = {kind: {"models": ["a"]}}
    assert Settings(engines=table).engines[kind].type == kind


def test_the_types_are_those_there_are() -> None:
    """What can be written is what can be made."""
    assert set(TYPES) == LOCAL | set(upstream_types())


def test_a_file_that_cannot_be_read(nothing_set: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder, or bytes that are no text, are said with the path."""
    nothing_set.setenv("FILMGATE_CONFIG", str(tmp_path))
    with pytest.raises(CommandExit, match="cannot be read"):
        settings()
    (tmp_path / "odd.toml").write_bytes(b'host = "\xff"')
    nothing_set.setenv("FILMGATE_CONFIG", str(tmp_path / "odd.toml"))
    with pytest.raises(CommandExit, match=r"odd\.toml: is not valid TOML"):
        settings()


@pytest.mark.usefixtures("nothing_set")
def test_settings_made_in_code_know_their_keys_too() -> None:
    """A keyword that there is not is an error."""
    with pytest.raises(ValidationError):
        Settings(prot=1)  # type: ignore[call-arg]
