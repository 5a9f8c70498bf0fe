"""The gateway dialect: REST below `/luma/generations`, as published by resellers of Luma."""

from filmgate.adapters.dialects.gateway import wire
from filmgate.adapters.dialects.gateway.routes import QUERY, SECOND_QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={"/luma/": wire.write_error, "/ping": wire.write_error},
    router=router,
    webhook=wire.FORM,
    reads=(QUERY, SECOND_QUERY),
)

__all__ = ["DIALECT"]
