"""The page of all answers, one card, and the two buttons that say whether it helped."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from intake.actions import answer_marks, events
from intake.actions.base import Refused
from intake.admin import answer_cards, answer_pages
from intake.admin.answer_forms import MarkForm, names_of, signs, substance_groups
from intake.admin.base import HelplineAdmin, staff
from intake.models import AnswerCard, AnswerFeedback
from intake.typed_text import clean_text


class ReviewFilter(admin.SimpleListFilter):
    """Cards in use, unless another state is asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("unreviewed", _("Not reviewed here yet")),
            ("overdue", _("Review overdue")),
            ("retired", _("Retired")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "unreviewed":
            return queryset.unreviewed()
        if self.value() == "overdue":
            return queryset.overdue(timezone.now())
        if self.value() == "retired":
            return queryset.filter(retired_at__isnull=False)
        return queryset.in_use()


@admin.register(AnswerCard)
class AnswerCardAdmin(HelplineAdmin):
    """Anybody who takes calls reads and marks; supervisors write, confirm and retire."""

    list_display = ("title", "topic", "reviewed", "helped", "not_helped", "public")
    list_display_links = ("title",)
    list_filter = (ReviewFilter, "topic", "is_public", "language")
    allowed_lookups = ("topic", "is_public", "language")
    list_select_related = ("reviewed_by",)
    ordering = ("position", "key", "language", "id")
    can_search = True
    search_help_text = _("Words in a title or text")
    record_template = "admin/intake/answer.html"
    pages = {
        "edit": answer_pages.EditPage,
        "review": answer_pages.ReviewPage,
        "retire": answer_pages.RetirePage,
        "restore": answer_pages.RestorePage,
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add_answercard")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        # The one filter of its own; Django asks about its word as if it were a field.
        is_ours = lookup == ReviewFilter.parameter_name
        return is_ours or super().lookup_allowed(lookup, value, request)

    # --- what was read --------------------------------------------------------------------------

    # Cards are nobody's data. Yet which one an agent opened at 3:12, in the middle of a call, says
    # what the call was about: the audit keeps that something was read, not which.

    def audit_read(self, request: HttpRequest, record: models.Model) -> None:
        self._audit(request, "record.read")

    def _audit_list(self, request: HttpRequest, change_list: ChangeList) -> None:
        self._audit(request, "list.read")

    def _audit(self, request: HttpRequest, verb: str) -> None:
        events.write(
            verb, by=staff(request), now=timezone.now(), detail={"model": self.opts.model_name}
        )

    # --- the list -------------------------------------------------------------------------------

    @admin.display(description=_("review"), ordering="review_due_at")
    def reviewed(self, record: AnswerCard) -> SafeString:
        state = answer_cards.review_state(record, timezone.now())
        return render_to_string("admin/intake/_review_state.html", {"state": state})

    @admin.display(description=_("helped"), ordering="helped_count")
    def helped(self, record: AnswerCard) -> int:
        return record.helped_count

    @admin.display(description=_("did not"), ordering="not_helped_count")
    def not_helped(self, record: AnswerCard) -> int:
        return record.not_helped_count

    @admin.display(description=_("public site"), ordering="is_public", empty_value="")
    def public(self, record: AnswerCard) -> Any:
        if not record.is_public:
            return ""
        return _("Yes") if record.reviewed_at else _("Once reviewed")

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """By part of the title or of the text."""
        try:
            text = clean_text(text)
        except ValidationError:
            return queryset.none()
        condition = Q(title__icontains=text) | Q(say__icontains=text) | Q(text__icontains=text)
        topics = [
            value for value, label in AnswerCard.Topic.choices if text.lower() in label.lower()
        ]
        return queryset.filter(condition | Q(topic__in=topics))

    # --- one card -------------------------------------------------------------------------------

    def record_context(self, request: HttpRequest, record: AnswerCard) -> dict[str, Any]:
        user = staff(request)
        may_mark = self.may(request, "add_answerfeedback") and record.retired_at is None
        return {
            **answer_cards.shown(
                record,
                now=timezone.now(),
                helped=answer_cards.mark_of(record, by=user) if may_mark else None,
            ),
            "may_mark": may_mark,
            "mark_url": reverse("admin:intake_answercard_mark"),
            "may_change": self.may(request, "change_answercard"),
            "may_review": self.may(request, "review_answercard"),
            "fits_substances": answer_cards.labels(
                record.for_substances, names_of(substance_groups())
            ),
            "fits_signs": answer_cards.labels(record.for_signs, names_of(signs())),
            "pages": {page: self.url(record, page) for page in self.pages},
        }

    def get_urls(self) -> list[URLPattern]:
        mark = path("mark/", self.admin_site.admin_view(self.mark), name="intake_answercard_mark")
        return [mark, *super().get_urls()]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return answer_pages.WritePage.as_view(model_admin=self)(request, object_id="")

    def mark(self, request: HttpRequest) -> HttpResponse:
        """Say whether a card helped. The card is in the body: an address ends up in logs.

        On a call sheet the answer is the pair of buttons as it stands now; elsewhere, the card.
        """
        if not self.may(request, "add_answerfeedback"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = MarkForm(request.POST)
        is_live = request.headers.get("HX-Request") == "true"
        if not form.is_valid():
            if is_live:
                return HttpResponseBadRequest()
            messages.warning(request, _("Nothing was marked: open the card and press again."))
            return HttpResponseRedirect(answer_cards.list_url())
        given = form.cleaned_data
        card = get_object_or_404(AnswerCard, pk=given["card"])
        said, refusal = given["helped"] == "yes", ""
        try:
            answer_marks.mark_helped(
                card=card,
                version=given["version"],
                call_key=given["call_key"],
                helped=said,
                by=staff(request),
                now=timezone.now(),
            )
        except answer_marks.AlreadyMarked:
            pass
        except Refused as refused:
            refusal = refused.message
        if is_live:
            context = {
                "card": card,
                "helped": None if refusal else said,
                "refusal": refusal,
                "mark_url": request.path,
                "call_key": given["call_key"],
            }
            return HttpResponse(
                render_to_string("admin/intake/_answer_mark.html", context, request)
            )
        if refusal:
            messages.warning(request, refusal)
        else:
            messages.success(request, _("Thank you, that is noted."))
        return HttpResponseRedirect(self.url(card))


@admin.register(AnswerFeedback)
class AnswerFeedbackAdmin(HelplineAdmin):
    """Rows for whoever has to look into the table; the list says only who marked, and when."""

    list_display = ("__str__", "given_at", "given_by")
    allowed_lookups = ("given_by", "given_at")
    ordering = ("-given_at", "-id")
    list_select_related = ("given_by",)
    # A keyed digest says nothing to anybody.
    exclude = ("about_index",)
