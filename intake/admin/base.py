"""The one base of every admin: closes what the stock ModelAdmin leaves open.

Held here, for all: only allowlisted lookups are honored; searching is POST, exact, and leaves an
opaque id in the URL; a foreign key offers only what the user may see; nothing is deleted; nothing
is saved except through an action; every list and every record shown is written to the audit.
"""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models
from django.db.models import Q
from django.forms import ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from intake.actions import events, searches
from intake.actions.base import Refused
from intake.admin.lists import SEARCH_ID, DayFilter, HelplineChangeList, ListPaginator
from intake.models import Event
from intake.typed_text import LARGEST_INTEGER

# More than a screen full is a report, and a read of that many records.
ROWS_A_PAGE = 50
# No code, id or time that may stand in an address is longer.
LONGEST_VALUE = 200


def staff(request: HttpRequest) -> User:
    """The member of staff behind a request to an admin page; nobody else gets this far."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _is_comparable(lookup: str, value: str) -> bool:
    """Whether a database can compare its columns with this; Django passes on any number."""
    try:
        number = int(value)
    except ValueError:
        return len(value) <= LONGEST_VALUE
    return abs(number) <= LARGEST_INTEGER


class HelplineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Read-only and audited unless a subclass adds pages that call actions."""

    # Field names whose exact value, range or emptiness may stand in a URL: codes, times, owners.
    allowed_lookups: ClassVar[Iterable[str]] = ()
    # One extra page each: ``{"take": TakePage}`` gives ``<id>/take/``.
    pages: ClassVar[dict[str, Any]] = {}
    can_search: ClassVar[bool] = False
    # The moment a list goes by, with an index: its days and months are offered, and "Earlier".
    # A list without one is ordered by id alone, which is the order in which rows were made.
    dated: ClassVar[str] = ""
    # Rows that stand on top, the longest waiting first; needs ``dated``.
    on_top: ClassVar[Q | None] = None
    # How far the pages of a list go, and how many of them are counted ahead of the one shown.
    counted: ClassVar[int] = 1000
    pages_ahead: ClassVar[int] = 4
    # A page of our own for one record, instead of the stock read-only form.
    record_template: ClassVar[str] = ""

    list_per_page = ROWS_A_PAGE
    list_max_show_all = ROWS_A_PAGE
    # Columns a list may be sorted by: those with an index.
    sortable_by: ClassVar[Any] = ()
    show_full_result_count = False
    # Nothing is saved that would lead back to the list; each row would resolve an address for it.
    preserve_filters = False
    actions_selection_counter = False
    raw_id_fields = ()
    autocomplete_fields = ()
    search_fields = ()

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.raw_id_fields or self.autocomplete_fields or self.search_fields:
            raise ImproperlyConfigured(
                f"{type(self).__name__}: raw ids, autocomplete and search fields show a person"
                " to whoever guesses an id. Use a page, or find()."
            )
        for function, name, _description in self._get_base_actions():  # type: ignore[attr-defined]
            if not getattr(function, "allowed_permissions", None):
                raise ImproperlyConfigured(f"Admin action {name} declares no permissions.")

    # --- who may do what ------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may(self, request: HttpRequest, permission: str) -> bool:
        """Whether the user holds ``permission`` of this app, such as ``change_call``."""
        return request.user.has_perm(f"{self.opts.app_label}.{permission}")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only what ``allowed_lookups`` names; stock admin allows every local field."""
        return lookup in self._lookups() and _is_comparable(lookup, str(value))

    def _lookups(self) -> set[str]:
        lookups: set[str] = set()
        for name in self.allowed_lookups:
            field = self.opts.get_field(name)
            lookups |= {name, f"{name}__exact", f"{name}__isnull"}
            if isinstance(field, models.ForeignKey):
                lookups.add(f"{name}__{field.target_field.name}__exact")
            if isinstance(field, models.DateField):
                lookups |= {f"{name}__gte", f"{name}__lt"}
        if self._goes_by_id:
            lookups.add("id__lt")
        return lookups

    @property
    def _goes_by_id(self) -> bool:
        return not self.dated and tuple(self.ordering or ()) == ("-id",)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "ModelChoiceField[Any] | None":
        """Offer, and accept, only records this user may see."""
        remote = db_field.remote_field.model
        registered = self.admin_site._registry.get(remote)
        if registered is None or not registered.has_view_permission(request):
            kwargs["queryset"] = remote._default_manager.none()
        else:
            kwargs["queryset"] = registered.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [field.name for field in self.opts.fields]

    # --- nothing is written but by actions ------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        raise PermissionDenied

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        raise PermissionDenied

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        raise PermissionDenied

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        raise PermissionDenied

    # Our audit is the log; Django's keeps a name for ever in ``object_repr``.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None

    # --- pages ----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        label = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(page.as_view(model_admin=self)),
                name=f"{label}_{name}",
            )
            for name, page in self.pages.items()
        ]
        if self.can_search:
            own.insert(
                0,
                path("search/", self.admin_site.admin_view(self.search), name=f"{label}_search"),
            )
        return [*own, *super().get_urls()]

    def url(self, record: models.Model, page: str = "change") -> str:
        """The address of a page of one record."""
        label = f"{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"admin:{label}_{page}", args=[record.pk])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return HelplineChangeList

    def get_list_filter(self, request: HttpRequest) -> Any:
        days = [(self.dated, DayFilter)] if self.dated else []
        return [*days, *super().get_list_filter(request)]

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> ListPaginator:
        page = request.GET.get(PAGE_VAR, "1")
        ahead = (int(page) if page.isdecimal() and len(page) < 6 else 1) + self.pages_ahead
        most = min(self.counted, ahead * per_page)
        return ListPaginator(queryset, per_page, most=most, on_top=self.on_top, dated=self.dated)

    @csrf_protect_m  # type: ignore[untyped-decorator]
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        if SEARCH_VAR in request.GET:
            # Somebody typed terms into the address; they must not go on into the page's links.
            return HttpResponseRedirect(request.path)
        context = {
            "title": capfirst(str(self.opts.verbose_name_plural)),
            "list_search_action": self.search_url(request),
            "is_searched": SEARCH_ID in request.GET,
            **(extra_context or {}),
        }
        try:
            response = super().changelist_view(request, context)
        except searches.SearchExpired as refusal:
            messages.warning(request, refusal.message)
            return HttpResponseRedirect(request.path)
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            self._audit_list(request, response.context_data["cl"])  # type: ignore[index]
        return response

    def _audit_list(self, request: HttpRequest, change_list: ChangeList) -> None:
        events.write(
            "list.read",
            by=staff(request),
            now=timezone.now(),
            detail={
                "model": self.opts.model_name,
                "ids": [str(record.pk) for record in change_list.result_list],
            },
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.record_template:
            return super().change_view(request, object_id, form_url, extra_context)
        if not self.has_view_permission(request):
            # Asked first: a refusal must not tell whether the record exists.
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id))
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        self.audit_read(request, record)
        return TemplateResponse(
            request, self.record_template, self.record_page_context(request, record)
        )

    def record_page_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """What every page of one record needs, and what this kind of record adds."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": capfirst(str(record)),
            "record": record,
            "history_url": self.url(record, "history"),
            **self.record_context(request, record),
        }

    def record_context(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        return {}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        record = self.get_object(request, unquote(object_id)) if object_id is not None else None
        if record is not None:
            title = capfirst(str(record))
            extra_context = {"title": title, "subtitle": None, **(extra_context or {})}
        response = super().changeform_view(request, object_id, form_url, extra_context)
        if record is not None and isinstance(response, TemplateResponse):
            # Whatever the method: a refused form shows the record as well.
            self.audit_read(request, record)
        return response

    def audit_read(self, request: HttpRequest, record: models.Model) -> None:
        """Write that this user has seen this record; without the event, no page."""
        events.write(
            "record.read",
            by=staff(request),
            now=timezone.now(),
            subject=record,
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's history, from the audit: who did what, and when."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record = self.get_object(request, unquote(object_id))
        if record is None:
            raise Http404
        self.audit_read(request, record)
        happened = Event.objects.filter(
            subject_type=self.opts.model_name, subject_id=str(record.pk)
        ).select_related("actor")
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %(record)s") % {"record": record},
            "opts": self.opts,
            "record": record,
            "record_url": self.url(record),
            "events": happened.order_by("at", "id")[:500],
        }
        return TemplateResponse(request, "admin/intake/history.html", context)

    # --- searching ------------------------------------------------------------------------------

    def find(self, queryset: Any, text: str) -> Any:
        """The rows that match ``text`` exactly; subclasses that can be searched say how."""
        return queryset.none()

    def search_url(self, request: HttpRequest) -> str:
        if not (self.can_search and self.has_view_permission(request)):
            return ""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_search")

    def search(self, request: HttpRequest) -> HttpResponse:
        """Take the terms by POST, keep them, and go on with an opaque id."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        listing = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        if request.method != "POST":
            return HttpResponseRedirect(listing)
        try:
            made = searches.start(
                target=str(self.opts.model_name),
                text=request.POST.get("q", ""),
                by=staff(request),
                now=timezone.now(),
            )
        except Refused as refusal:
            messages.warning(request, refusal.message)
            return HttpResponseRedirect(listing)
        return HttpResponseRedirect(f"{listing}?{SEARCH_ID}={made.pk}")

    def searched_text(self, request: HttpRequest) -> str | None:
        """What was searched for, or None; raises ``SearchExpired`` for a stale or foreign id."""
        given = request.GET.get(SEARCH_ID)
        if given is None:
            return None
        try:
            search_id = UUID(given)
        except ValueError as error:
            raise searches.SearchExpired from error
        return searches.text_of(
            search_id=search_id,
            target=str(self.opts.model_name),
            by=staff(request),
            now=timezone.now(),
        )
