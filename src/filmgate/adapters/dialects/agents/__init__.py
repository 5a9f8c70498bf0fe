"""The Agents dialect: Luma's newest official API, below `/agents/v1`."""

from filmgate.adapters.dialects.agents import wire
from filmgate.adapters.dialects.agents.routes import PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={PREFIX: wire.write_error},
    router=router,
    webhook=wire.FORM,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
