"""The gateway dialect: REST below `/luma/generations`, as published by resellers of Luma."""

from filmgate.adapters.dialects.gateway import wire
from filmgate.adapters.dialects.gateway.routes import router
from filmgate.adapters.dialects.serving.dialect import Dialect, Read

DIALECT = Dialect(
    name=wire.NAME,
    errors={"/luma/": wire.write_error, "/ping": wire.write_error},
    router=router,
    hook=wire.FORM,
    reads=(Read("/luma/generations/", wire.FORM), Read("/luma/v2/generations/", wire.SECOND)),
)

__all__ = ["DIALECT"]
