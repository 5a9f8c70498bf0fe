"""The AceData dialect: `POST /luma/videos` and `POST /luma/tasks`, the latter shared with the gateway's batch."""

from filmgate.adapters.dialects.acedata import requests, responses
from filmgate.adapters.dialects.acedata.routes import by_id, router
from filmgate.adapters.dialects.serving.dialect import BodyRead, Dialect

DIALECT = Dialect(
    name=requests.NAME,
    errors={"/luma/videos": responses.write_error, "/luma/tasks": responses.write_union_error},
    router=router,
    webhook=responses.HOOK,
    body_reads=(BodyRead("/luma/tasks", by_id),),
)

__all__ = ["DIALECT"]
