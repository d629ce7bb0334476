"""A form made of several: valid together or not at all, with one summary of what is wrong."""

from collections.abc import Sequence
from typing import Any

from django.forms import BoundField
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from intake.admin.pages import ActionForm


class FormOfParts(ActionForm):
    """A form that other forms belong to; ``parts`` are looked at when it is sent.

    Their fields stand under prefixes of their own. A part in error makes the whole one invalid.
    """

    @cached_property
    def parts(self) -> Sequence[ActionForm]:
        """The other forms that have to be valid as well."""
        return ()

    def full_clean(self) -> None:
        super().full_clean()
        if not self.is_bound:
            return
        # Each is looked at, so that everything wrong is said at once.
        valid = [part.is_valid() for part in self.parts]
        if not all(valid):
            self.add_error(None, _("Look at the answers named here."))

    def part_errors(self) -> list[tuple[BoundField, str, Any]]:
        """Each field in error of the parts, with the part it belongs to, for the summary on top."""
        return [
            (field, getattr(part, "title", ""), error)
            for part in self.parts
            for field in part.visible_fields()
            for error in field.errors
        ]
