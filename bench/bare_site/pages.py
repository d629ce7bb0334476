from django.forms import modelform_factory
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from bare_site.models import Request

RequestForm = modelform_factory(Request, exclude=[])


def ask(request):
    form = RequestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("thanks", form.save().pk)
    return render(request, "ask.html", {"form": form}, status=422 if form.errors else 200)


def thanks(request, pk):
    return HttpResponse("Thank you.")


urlpatterns = [path("callback/", ask), path("thanks/<int:pk>/", thanks, name="thanks")]
