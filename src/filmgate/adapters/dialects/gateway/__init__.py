"""The gateway dialect: REST below `/luma/generations`, as published by resellers of Luma."""

from filmgate.adapters.dialects.gateway import requests, responses
from filmgate.adapters.dialects.gateway.routes import QUERY, SECOND_QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=requests.NAME,
    errors={"/luma/": responses.write_error, "/ping": responses.write_error},
    router=router,
    webhook=responses.FORM,
    reads=(QUERY, SECOND_QUERY),
)

__all__ = ["DIALECT"]
