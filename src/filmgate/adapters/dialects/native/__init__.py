"""Filmgate's own dialect: REST below `/api/v1`."""

from filmgate.adapters.dialects.native import wire
from filmgate.adapters.dialects.native.routes import PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={PREFIX: wire.write_error},
    router=router,
    webhook=wire.FORM,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
