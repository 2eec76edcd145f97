"""Loads FastAPI without what no service needs, 3 MB in each: imported before it by every `app.py`.

Its models of OpenAPI are built once a description is asked for. Pydantic's first version, which it looks
for to support, is not there.

Decision 0182.
"""

import sys

from pydantic import BaseModel

# An ImportError, as in a pydantic without it.
sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]
# A class takes this over from the one above it when it is made; models of services are made without it.
BaseModel.model_config["defer_build"] = True
try:
    import fastapi.openapi.models  # noqa: F401
finally:
    del BaseModel.model_config["defer_build"]
