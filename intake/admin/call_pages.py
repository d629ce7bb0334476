"""Pages of one call: what is added to it after it was closed."""

from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from intake.actions import calls
from intake.admin.base import staff
from intake.admin.call_sheet_forms import text_area
from intake.admin.pages import ActionForm, ActionPage
from intake.typed_text import TypedCharField


class AmendForm(ActionForm):
    text = TypedCharField(label=_("Amendment"), max_length=20_000, widget=text_area(8))


class AmendPage(ActionPage):
    """Add to the narrative of a closed call; what was written stays as it was."""

    permission = "add_callamendment"
    form_class = AmendForm
    title = _("Add an amendment")
    intro = _(
        "It is kept beside the narrative with your name and the time. Nothing is overwritten."
    )
    submit_label = _("Add it")
    done_message = _("The amendment is added.")

    def act(self, request: HttpRequest, form: AmendForm, now: datetime) -> models.Model:
        return calls.amend(
            call=self.record, text=form.cleaned_data["text"], by=staff(request), now=now
        )

    def context(self, request: HttpRequest, form: AmendForm) -> dict[str, Any]:
        return {"eyebrow": self.record}
