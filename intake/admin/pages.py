"""Pages of one record beside the stock ones: each shows a form and calls one action."""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views import View

from intake.actions.base import Refused
from intake.admin.base import HelplineAdmin
from intake.admin.rendering import QUICK


class ActionForm(forms.Form):
    """The form of an action; a button without questions uses it as it is."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A formset gives its forms a renderer of its own.
        kwargs |= {"label_suffix": kwargs.get("label_suffix", ""), "renderer": QUICK}
        super().__init__(*args, **kwargs)


class ActionPage(View):
    """Fetch the record, check the permission, show the form, call the action.

    A refusal comes back as an error on the form, with everything that was typed. A subclass
    says what happens in ``act`` and may add to the form's arguments, the context and the way on.
    """

    model_admin: ClassVar[HelplineAdmin] = None  # type: ignore[assignment]
    permission: ClassVar[str] = ""
    form_class: ClassVar[type[forms.BaseForm]] = ActionForm
    template_name: ClassVar[str] = "admin/intake/action_form.html"
    title: ClassVar[Any] = ""
    intro: ClassVar[Any] = ""
    submit_label: ClassVar[Any] = ""
    done_message: ClassVar[Any] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.permission or not self.model_admin.may(request, self.permission):
            raise PermissionDenied
        self.record = self.get_record(request, kwargs.pop("object_id"))
        return super().dispatch(request, *args, **kwargs)

    def get_record(self, request: HttpRequest, object_id: str) -> Any:
        """The record, or 404: an id out of reach answers like one that does not exist."""
        record = self.model_admin.get_object(request, unquote(object_id))
        if record is None or not self.model_admin.has_view_permission(request, record):
            raise Http404
        return record

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(request, self.build_form())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.build_form(data=request.POST)
        if form.is_valid():
            try:
                done = self.act(request, form, timezone.now())
            except Refused as refusal:
                form.add_error(None, refusal.message)
            else:
                if self.done_message:
                    messages.success(request, self.done_message)
                return HttpResponseRedirect(self.done_url(done))
        return self.render(request, form)

    def build_form(self, **kwargs: Any) -> Any:
        return self.form_class(initial=self.initial(), **kwargs)

    def initial(self) -> dict[str, Any]:
        return {}

    def act(self, request: HttpRequest, form: Any, now: Any) -> models.Model | None:
        """Call the one action; what it returns may steer ``done_url``."""
        raise NotImplementedError

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(self.record)

    def cancel_url(self) -> str:
        return self.model_admin.url(self.record)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {}

    def render(self, request: HttpRequest, form: Any) -> HttpResponse:
        # A refused form shows the record as much as the page before it did.
        self.model_admin.audit_read(request, self.record)
        context = {
            **self.model_admin.admin_site.each_context(request),
            "opts": self.model_admin.opts,
            "title": self.title,
            "intro": self.intro,
            "submit_label": self.submit_label,
            "record": self.record,
            "form": form,
            "cancel_url": self.cancel_url(),
            "record_url": self.model_admin.url(self.record),
            **self.context(request, form),
        }
        return TemplateResponse(
            request, self.template_name, context, status=422 if form.errors else 200
        )
