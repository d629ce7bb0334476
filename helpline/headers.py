"""Response headers: those that Django and django-csp do not set, and the policy made once."""

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# Every feature a page could ask the browser for, refused. But for one: on some systems Chromium does
# not know web-share and complains of the name on every page. No script of ours shares anything.
FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in FEATURES)


class PrivateByDefault:
    """No page is kept by a browser or proxy, embedded elsewhere, or given a device.

    Only a static file that was found may be cached. It stands first, so that every response
    passes it: redirects, errors and static files too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        is_static = request.path.startswith(settings.STATIC_URL)
        if not (is_static and response.status_code in {200, 304}):
            response["Cache-Control"] = "no-store"
        return response


class ContentSecurityPolicy(CSPMiddleware):
    """django-csp's header, composed once for all responses without a policy of their own.

    Composing it for each was a thirtieth of the work of taking a request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self.usual = build_policy()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if is_usual(request, response):
            response.headers.setdefault(HEADER, self.usual)
            return response
        return super().process_response(request, response)


def is_usual(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether no view asked for another policy (by django-csp's decorators) or for a nonce."""
    return not settings.DEBUG and "_csp" not in "".join([*vars(request), *vars(response)])
