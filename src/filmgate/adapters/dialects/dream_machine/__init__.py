"""The Dream Machine dialect: Luma's own REST API below `/dream-machine/v1`, as its `lumaai` libraries speak it."""

from filmgate.adapters.dialects.dream_machine import wire
from filmgate.adapters.dialects.dream_machine.routes import QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={"/dream-machine/": wire.write_error},
    router=router,
    reads=(QUERY,),
    webhook=wire.FORM,
    announces=True,
)

__all__ = ["DIALECT"]
