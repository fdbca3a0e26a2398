"""The API's description: what FastAPI knows of the routes, and the schema of the problems they answer with."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.gateway.problems import ProblemDetails

_REFERENCE = "#/components/schemas/{model}"


def described(app: FastAPI) -> dict[str, Any]:
    """The app as OpenAPI 3.1, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        problem = ProblemDetails.model_json_schema(ref_template=_REFERENCE)
        parts = problem.pop("$defs")
        document.setdefault("components", {}).setdefault("schemas", {}).update({"ProblemDetails": problem, **parts})
        app.openapi_schema = document
    return app.openapi_schema
