"""The errors of the API: JSON with one text, which says what to do."""

from keras_deephash.index import IndexChangedError
from keras_deephash.web.server.collection import UnknownItem
from keras_deephash.web.server.pictures import PictureError
from keras_deephash.web.server.records import Problem

_SHOWN = 80
# FastAPI describes errors of arguments as a list, unless it is told otherwise.
RESPONSES = {422: {"model": Problem, "description": "An argument is wrong."}}


def add_errors(app) -> None:
    """Adds the answers to errors to an application of FastAPI."""
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse

    async def answer(_request, error: Exception):
        return JSONResponse({"detail": str(error)}, _status_of(error))

    async def answer_wrong_arguments(_request, error: RequestValidationError):
        return JSONResponse({"detail": _described(error.errors()[0])}, 422)

    for kind in (ValueError, LookupError, OSError, IndexChangedError):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(RequestValidationError, answer_wrong_arguments)


def _status_of(error: Exception) -> int:
    if isinstance(error, PictureError):
        return error.status
    if isinstance(error, (UnknownItem, FileNotFoundError)):
        return 404
    if isinstance(error, IndexChangedError):
        return 409
    return 400 if isinstance(error, ValueError) else 500


def _described(error: dict) -> str:
    """What pydantic found, in a sentence: "`k` must be ... Received: '0'."."""
    name = next((part for part in error["loc"][1:] if isinstance(part, str)), "")
    _, should, expected = error["msg"].partition(" should ")
    what = f"must {expected}" if should else error["msg"]
    return f"`{name}` {what}. Received: {str(error['input'])[:_SHOWN]!r}."
