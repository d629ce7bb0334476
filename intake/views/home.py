"""The first page: the emergency numbers, ours, and the way to the form."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from intake.views.answers import has_answers
from intake.views.frame import frame


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """It stands with the database away, too: then the numbers on it matter most."""
    context = {**frame(request), "has_answers": has_answers()}
    return render(request, "public/home.html", context)
