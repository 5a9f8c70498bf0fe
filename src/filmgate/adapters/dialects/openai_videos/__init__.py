"""The OpenAI dialect: the videos API below `/v1/videos`, and the list of the models."""

from filmgate.adapters.dialects.openai_videos import requests, responses
from filmgate.adapters.dialects.openai_videos.routes import MODELS_PREFIX, PREFIX, QUERY, router
from filmgate.adapters.dialects.serving.dialect import Dialect

DIALECT = Dialect(
    name=requests.NAME,
    errors={PREFIX: responses.write_error, MODELS_PREFIX: responses.write_error},
    router=router,
    webhook=responses.HOOK,
    reads=(QUERY,),
)

__all__ = ["DIALECT"]
