"""Is somebody still signed in? Asked by a page that is about to send what was typed in it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and the token a form needs now; 401 where nobody is.

    Signing in changes the token, so a page that outlives its session asks for the new one.
    """
    token = get_token(request)
    if not (request.user.is_active and request.user.is_staff):
        return JsonResponse({"user": "", "token": token}, status=401)
    return JsonResponse({"user": str(request.user.pk), "token": token})
