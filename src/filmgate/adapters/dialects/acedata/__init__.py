"""The AceData dialect: `POST /luma/videos` and `POST /luma/tasks`, the latter shared with the gateway's batch."""

from filmgate.adapters.dialects.acedata import wire
from filmgate.adapters.dialects.acedata.batch_query import by_id
from filmgate.adapters.dialects.acedata.routes import router
from filmgate.adapters.dialects.serving.dialect import BodyRead, Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={"/luma/videos": wire.write_error, "/luma/tasks": wire.write_union_error},
    router=router,
    webhook=wire.HOOK,
    body_reads=(BodyRead("/luma/tasks", by_id),),
)

__all__ = ["DIALECT"]
