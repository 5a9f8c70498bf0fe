"""The OpenAI dialect: the videos API below `/v1/videos`, and the list of the models."""

from filmgate.adapters.dialects.openai_videos import wire
from filmgate.adapters.dialects.openai_videos.models import PREFIX as MODELS
from filmgate.adapters.dialects.openai_videos.routes import PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=wire.NAME,
    errors={PREFIX: wire.write_error, MODELS: wire.write_error},
    router=router,
    webhook=wire.HOOK,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
