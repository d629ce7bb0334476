"""Refuses requests that no browser sends: text that is not text, and bodies too long to be a form.

PostgreSQL cannot store NUL, and neither database stores a lone surrogate. What arrives in a form
field is the form's business and gets a message beside the field; what arrives in an address is
refused here, for every view at once.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation

from helpline.languages import language_of

# A body up to this size is read and thrown away, so that the browser shows our answer instead of
# a broken connection.
DRAIN_LIMIT = 32 * 1024 * 1024
DRAIN_CHUNK = 64 * 1024
# Bytes of a path that are no UTF-8 are handed on percent-encoded.
UNDECODED = re.compile("%[89A-F][0-9A-F]")


class RefuseMalformed:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_too_long(request):
            drain(request)
            return refused(request, 413)
        if not (has_clean_address(request) and is_utf8_form(request)):
            return refused(request, 400)
        return self.get_response(request)


def refused(request: HttpRequest, status: int) -> HttpResponse:
    """In the language of the address, which nobody has looked at yet."""
    with translation.override(language_of(request)):
        return HttpResponse(render_to_string(f"{status}.html"), status=status)


def is_too_long(request: HttpRequest) -> bool:
    return content_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def drain(request: HttpRequest) -> None:
    left = min(content_length(request), DRAIN_LIMIT)
    while left > 0 and (chunk := request.read(min(DRAIN_CHUNK, left))):
        left -= len(chunk)


def has_clean_address(request: HttpRequest) -> bool:
    """Path and query are UTF-8 without NUL. (UTF-8 has no lone surrogates.)"""
    if "\0" in request.path or UNDECODED.search(request.path):
        return False
    query = unquote_to_bytes(str(request.META.get("QUERY_STRING", "")))
    try:
        return "\0" not in query.decode("utf-8")
    except UnicodeDecodeError:
        return False


def is_utf8_form(request: HttpRequest) -> bool:
    """Other encodings (utf-7, unicode_escape) can spell what UTF-8 cannot."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    return charset.lower() in {"utf-8", "utf8"}


class FilesWhereWanted:
    """Lets a file in on a page that says ``takes_files``, from somebody signed in.

    Everywhere else FILE_UPLOAD_HANDLERS is empty, so a file is read past and kept nowhere. It
    stands before the check against forged forms, which reads the form. The file stays in memory:
    ``RefuseMalformed`` has seen to it that a body is small.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        if getattr(view, "takes_files", False) and request.user.is_authenticated:
            request.upload_handlers = [MemoryFileUploadHandler(request)]


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's own page for this reads the body first, and fails with one that is no form."""
    return HttpResponse(render_to_string("404.html"), status=404)
