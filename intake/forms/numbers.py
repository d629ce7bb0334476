"""Fields for the numbers of others: none of them may be a line of ours."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from intake.actions import branding
from intake.typed_text import PhoneField


class OutsidePhoneField(PhoneField):
    """A number that is none of our lines, the one published under "Branding" among them."""

    def own_numbers(self) -> Collection[str]:
        return branding.own_numbers()


class CallersPhoneField(OutsidePhoneField):
    """The number to call back; a refusal says what would help."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except ValidationError as refusal:
            if refusal.code != "not_dialable":
                raise
            message = _("%(reason)s Please give another number where we can reach you.")
            said = {"reason": refusal.message}
            raise ValidationError(message, code=refusal.code, params=said) from None
