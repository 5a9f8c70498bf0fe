"""Filmgate's own dialect: REST below `/api/v1`."""

from filmgate.adapters.dialects.native import wire
from filmgate.adapters.dialects.native.routes import PREFIX, router
from filmgate.adapters.dialects.serving.dialect import Dialect, Read

DIALECT = Dialect(
    name=wire.NAME,
    errors={PREFIX: wire.write_error},
    router=router,
    hook=wire.FORM,
    reads=(Read(f"{PREFIX}/tasks/", wire.FORM),),
)

__all__ = ["DIALECT"]
