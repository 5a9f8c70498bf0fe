"""Filmgate's own dialect: REST below `/api/v1`."""

from filmgate.adapters.dialects.native import responses
from filmgate.adapters.dialects.native.routes import PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=responses.NAME,
    errors={PREFIX: responses.write_error},
    router=router,
    webhook=responses.FORM,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
