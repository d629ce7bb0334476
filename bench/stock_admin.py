"""A stock ModelAdmin of calls beside ours, for bench/call_sheet.py alone: a URLconf of both."""

from types import SimpleNamespace

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import path
from django.utils import timezone

from helpline.urls import urlpatterns as own
from intake.actions import safety
from intake.models import Call, Person, SubstanceUse
from intake.rules import phones

site = admin.AdminSite(name="stock")


class SubstanceInline(admin.TabularInline):
    model = SubstanceUse
    extra = 0


@admin.register(Call, site=site)
class CallAdmin(admin.ModelAdmin):
    list_display = (
        "reference",
        "started_at",
        "call_type",
        "status",
        "disposition",
        "taken_by",
    )
    list_per_page = 50
    list_select_related = ("taken_by",)
    list_filter = ("status", "call_type", "disposition")
    date_hierarchy = "started_at"
    search_fields = ("reference", "taken_by__username")
    ordering = ("-started_at",)
    # A list of every person to choose from would never end.
    raw_id_fields = ("caller", "person_in_need")
    inlines = (SubstanceInline,)


@admin.register(Person, site=site)
class PersonAdmin(admin.ModelAdmin):
    pass


urlpatterns = [path("stock/", site.urls), *own]


def world():
    """Two open calls alike, one for each admin, and what to look for among the rows."""
    from tests import casting

    User.objects.filter(username="bench").exists() or User.objects.create_superuser("bench")
    user, now = User.objects.get(username="bench"), timezone.now()

    def opened():
        call = casting.open_call(agent=user, now=now, person=casting.maria(zip_code="20001"))
        safety.evaluate(call=call, answers=casting.past_seizure(), by=user, now=now)
        return call

    ours, stock = opened(), opened()
    some = Call.objects.filter(caller__isnull=False).order_by("started_at")[300]
    common, rare = _words(most_common=True), _words(most_common=False)

    def client():
        made = Client()
        made.force_login(user)
        return made

    return SimpleNamespace(
        own=ours,
        own_key=ours.pk.hex if connection.vendor == "sqlite" else ours.pk,
        stock=stock,
        reference=some.reference,
        phone=phones.national(str(some.caller.phone)),
        client=client,
        terms={
            "number": str(some.caller.phone),
            "last four": str(some.caller.phone)[-4:],
            "name": some.caller.name,
            "surname": some.caller.name.split()[-1],
            "the commonest word": common,
            "the two commonest words": f"{common} {rare}",
            "reference": some.reference,
        },
    )


def _words(*, most_common):
    """The commonest of all first names, or of all surnames: the worst that can be asked."""
    import call_rows

    rows = call_rows.Rows(1, None)
    return rows.first_names[0] if most_common else rows.surnames[0]
