"""What callers see while the database does not answer: our number, and that it is worth a retry."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from intake.actions.delivery import DATABASE_TROUBLE
from intake.views.frame import frame

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
Response = TypeVar("Response", bound=HttpResponseBase)
RETRY_SECONDS = 60


def or_away(view: View) -> View:
    """A page that is nothing without the database: 503 and our number while it is away."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except DATABASE_TROUBLE as trouble:
            note(trouble)
            return retry_later(render(request, "public/away.html", frame(request), status=503))

    return guarded


def note(trouble: Exception) -> None:
    """By its kind alone: what a database says of a statement may hold what was typed."""
    logger.error("the database did not answer a public page: %s", type(trouble).__name__)


def retry_later(response: Response) -> Response:
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
