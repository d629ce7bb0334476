"""One word for many held requests at once; the sweep carries it out, a batch at a time."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from intake.models.base import Record
from intake.models.callbacks import Callback


class ReviewOrder(Record):
    """Let everything through, or turn it down, that is held for one reason when this is said."""

    class Privacy:
        personal: ClassVar[set[str]] = set()
        ordinary: ClassVar[set[str]] = {
            "id",
            "because",
            "turned_down_because",
            "ordered_at",
            "ordered_by",
            "decided",
            "done_at",
        }

    because = models.CharField(_("held because"), max_length=8, choices=Callback.HeldBecause)
    # Empty: they are let through.
    turned_down_because = models.CharField(
        _("turned down because"),
        max_length=12,
        choices=Callback.TurnedDownBecause,
        blank=True,
        default="",
    )
    ordered_at = models.DateTimeField(_("ordered"))
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("ordered by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    decided = models.PositiveIntegerField(_("requests decided"), default=0)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = _("order for held requests")
        verbose_name_plural = _("orders for held requests")
        # Given on the page of the requests themselves.
        default_permissions = ("view",)
        constraints = (
            # A second press of the button orders nothing twice.
            models.UniqueConstraint(
                fields=["because"], condition=Q(done_at=None), name="review_order_one_for_a_reason"
            ),
        )
