"""The Agents dialect: Luma's newest official API, below `/agents/v1`."""

from filmgate.adapters.dialects.agents import responses
from filmgate.adapters.dialects.agents.requests import vocabulary
from filmgate.adapters.dialects.agents.routes import PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=vocabulary.NAME,
    errors={PREFIX: responses.write_error},
    router=router,
    webhook=responses.FORM,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
