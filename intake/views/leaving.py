"""The way out: to a page anyone might be looking at, and nothing of us stays in the browser."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_safe


@require_safe
def leave(request: HttpRequest) -> HttpResponse:
    """Forget this browser and send it to the neutral page.

    A link on another site cannot sign a member of staff out: their session cookie does not come
    with it, and only what came is taken away.
    """
    # 303: whatever was asked, what follows is a plain visit there.
    response = HttpResponseRedirect(settings.EXIT_URL)
    response.status_code = 303
    response["Referrer-Policy"] = "no-referrer"
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        # The session middleware takes the cookie away.
        request.session.flush()
    if settings.CSRF_COOKIE_NAME in request.COOKIES:
        response.delete_cookie(
            settings.CSRF_COOKIE_NAME,
            path=settings.CSRF_COOKIE_PATH,
            domain=settings.CSRF_COOKIE_DOMAIN,
            samesite="Lax",
        )
    return response
