"""Staff accounts: created, given roles and switched off by an administrator, never promoted."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.actions import events
from intake.admin.base import HelplineAdmin, staff

# Importing Django's own admin above registered its two.
admin.site.unregister([User, Group])


class StaffCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A name, a password the person changes, and at least one role."""

    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("username", "first_name", "last_name", "email", "groups")
        widgets = {"groups": forms.CheckboxSelectMultiple}


@admin.register(User)
class StaffAdmin(HelplineAdmin, UserAdmin):  # type: ignore[type-arg]
    """No superuser box, no loose permissions: roles are the only way to a right."""

    list_display = ("username", "first_name", "last_name", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    allowed_lookups = ("is_active", "groups")
    sortable_by = list_display
    search_fields = ()
    filter_horizontal = ()
    add_form = StaffCreationForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("is_active", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "username",
                    "first_name",
                    "last_name",
                    "email",
                    "usable_password",
                    "password1",
                    "password2",
                    "groups",
                )
            },
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("auth.add_user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An administrator may not touch a superuser, or raise themselves."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return request.user.has_perm("auth.change_user")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ["last_login", "date_joined"]
        if obj is not None and obj == request.user:
            fields += ["groups", "is_active"]
        return fields

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple()
        return super(admin.ModelAdmin, self).formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.is_staff = True
        obj.save()
        events.write(
            "user.changed" if change else "user.added",
            by=staff(request),
            now=timezone.now(),
            subject=obj,
            detail={"fields": list(form.changed_data)},
        )

    @transaction.atomic
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if response.status_code == HTTPStatus.FOUND:
            user = self.get_object(request, unquote(id))
            events.write("user.password_set", by=staff(request), now=timezone.now(), subject=user)
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        form.save_m2m()
        if change and not form.instance.is_active:
            end_sessions(form.instance)


def end_sessions(user: User) -> int:
    """Log ``user`` out everywhere, at once; returns how many sessions ended."""
    theirs = [
        session.pk
        for session in Session.objects.filter(expire_date__gt=timezone.now())
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    ]
    return Session.objects.filter(pk__in=theirs).delete()[0]


@admin.register(Group)
class RoleAdmin(HelplineAdmin):
    """The roles are made by a migration; this only shows them."""

    list_display = ("name",)
    ordering = ("name",)
