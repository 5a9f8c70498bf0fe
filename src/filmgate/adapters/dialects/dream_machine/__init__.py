"""The Dream Machine dialect: Luma's own REST API below `/dream-machine/v1`, as its `lumaai` libraries speak it."""

from filmgate.adapters.dialects.dream_machine import responses
from filmgate.adapters.dialects.dream_machine.requests import vocabulary
from filmgate.adapters.dialects.dream_machine.routes import QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=vocabulary.NAME,
    errors={"/dream-machine/": responses.write_error},
    router=router,
    reads=(QUERY,),
    webhook=responses.FORM,
    announces=True,
)

__all__ = ["DIALECT"]
