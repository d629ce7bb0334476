"""The zone in which staff read times; the database holds UTC."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone


class StaffTimeZone:
    """Pages and forms speak HELPLINE_TIME_ZONE; a caller's own time is always shown with its zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(ZoneInfo(settings.HELPLINE_TIME_ZONE)):
            return self.get_response(request)
