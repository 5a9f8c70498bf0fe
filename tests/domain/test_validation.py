"""The first error of a validation, as a sentence."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, field_validator, model_validator

from filmgate.domain.validation import first_error


class Inner(BaseModel):
    """A part of a model."""

    size: int = 1


class Model(BaseModel):
    """A model with validators of its own."""

    inner: Inner = Inner()
    name: str = ""

    @field_validator("name")
    @classmethod
    def check_name(cls, value: str) -> str:
        """Refuse one name."""
        if value == "bad":
            raise ValueError("must be another name")
        return value

    @model_validator(mode="after")
    def check_both(self) -> Model:
        """Refuse one combination."""
        if self.name and self.inner.size == 0:
            raise ValueError("a name needs a size")
        return self


@pytest.mark.parametrize(
    ("value", "field", "sentence"),
    [
        ({"name": "bad", "inner": {"size": 1}}, "name", "name: must be another name"),
        ({"name": "good", "inner": {"size": 0}}, "", "a name needs a size"),
        ({"name": "bad", "inner": 3}, "inner", None),
        ({"inner": {"size": "secret"}}, "inner.size", None),
    ],
)
def test_the_first_error_is_a_sentence(value: object, field: str, sentence: str | None):
    """It names the field by its path and gives the reason, without the value and without pydantic's own words."""
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(value)
    first = first_error(caught.value.errors())
    assert first.field == field
    assert str(first) == (sentence or f"{field}: {first.reason}")
    assert "secret" not in str(first)
    assert "Value error" not in str(first)


def test_the_first_parts_of_a_path_can_be_left_out():
    """A framework puts the part of the request in front, which is no field."""
    errors = [{"type": "missing", "loc": ("query", "limit"), "msg": "Field required", "input": None}]
    assert str(first_error(errors, skip=1)) == "limit: Field required"
