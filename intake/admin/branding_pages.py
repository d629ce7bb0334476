"""Pages of a version of the branding: begin, change, publish, give up, use again."""

from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from intake.actions import branding
from intake.admin.base import staff
from intake.admin.branding_facts import facts
from intake.admin.branding_forms import BrandForm, PublishForm, initial_of
from intake.admin.pages import ActionForm, ActionPage
from intake.models import Branding

LIST = "admin:intake_branding_changelist"


class BrandingPage(ActionPage):
    """A page of one version, which carries the revision it shows."""

    template_name = "admin/intake/branding_action.html"
    record: Branding

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {"is_closed": not self.record.is_draft}


def posted_revision(request: HttpRequest) -> int:
    """The revision the page was about; -1, which no draft has, for what is none."""
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class BeginPage(ActionPage):
    permission = "change_branding"
    title = _("Begin a draft")
    intro = _(
        "It starts as a copy of what is published. Nothing public changes until somebody publishes it."
    )
    submit_label = _("Begin")

    def get_record(self, request: HttpRequest, object_id: str) -> Branding:
        return Branding()

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> models.Model:
        return branding.begin(by=staff(request), now=now)

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(done or self.record, "edit")

    def cancel_url(self) -> str:
        return reverse(LIST)


class AgainPage(ActionPage):
    permission = "change_branding"
    title = _("Begin a draft like this version")
    intro = _("It starts as a copy. Nothing public changes until somebody publishes it.")
    submit_label = _("Begin")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> models.Model:
        return branding.begin(like=self.record, by=staff(request), now=now)

    def done_url(self, done: models.Model | None) -> str:
        return self.model_admin.url(done or self.record)


class EditPage(BrandingPage):
    """The one page of the whole site that takes a file (helpline.requests.FilesWhereWanted)."""

    permission = "change_branding"
    form_class = BrandForm
    title = _("Change the draft")
    intro = _("Leave empty what should stay as it is in the settings and on the pages.")
    submit_label = _("Keep the draft")
    done_message = _("Kept. Nothing public has changed yet.")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view: Any = super().as_view(**initkwargs)
        view.takes_files = True
        return view

    def initial(self) -> dict[str, Any]:
        return initial_of(self.record)

    def build_form(self, **kwargs: Any) -> Any:
        files = {"files": self.request.FILES} if "data" in kwargs else {}
        return super().build_form(**kwargs, **files)

    def act(self, request: HttpRequest, form: BrandForm, now: datetime) -> None:
        branding.change(
            draft=self.record,
            given=form.given(),
            revision=posted_revision(request),
            logo=form.cleaned_data["logo"],
            without_logo=form.cleaned_data["without_logo"],
            by=staff(request),
            now=now,
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {
            **super().context(request, form),
            "form_template": "admin/intake/_branding_form.html",
            "logo_url": reverse("brand-preview-logo") if self.record.logo_width else "",
            # No browser sends a file twice.
            "file_again": form.is_bound and "logo" in form.files and "logo" not in form.errors,
        }


class PublishPage(BrandingPage):
    permission = "publish_branding"
    form_class = PublishForm
    title = _("Publish the draft")
    intro = _(
        "Every public page shows it within ten seconds. What is shown now is kept, to be used again."
    )
    submit_label = _("Publish it")
    done_message = _("Published.")

    def act(self, request: HttpRequest, form: PublishForm, now: datetime) -> None:
        branding.publish(
            draft=self.record, revision=posted_revision(request), by=staff(request), now=now
        )

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        told = {
            "form_template": "admin/intake/_branding_publish.html",
            "facts": facts(self.record),
        }
        return {**super().context(request, form), **told}


class GiveUpPage(BrandingPage):
    permission = "change_branding"
    title = _("Give the draft up")
    intro = _("Nothing public changes. The draft stays in the list, and can be used again.")
    submit_label = _("Give it up")
    done_message = _("Given up.")

    def act(self, request: HttpRequest, form: ActionForm, now: datetime) -> None:
        branding.give_up(draft=self.record, by=staff(request), now=now)

    def context(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        return {**super().context(request, form), "danger": True}

    def done_url(self, done: models.Model | None) -> str:
        return reverse(LIST)
