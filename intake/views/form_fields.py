"""The fields of the callback form as HTML."""

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from intake.forms import CallbackRequestForm

# Nobody has to be told that these may stay as they are.
WITHOUT_OPTIONAL = {"on", "time_zone"}
# The two weeks ahead move on.
OF_THE_DAY = {"on"}

_empty: dict[tuple[str, str], SafeString] = {}


class Fields:
    """``fields.phone`` in a template is the whole field: label, help, errors, control.

    An empty form is the same for everybody who reads its language, so its fields are made once:
    they were nine tenths of the work of showing the page.
    """

    def __init__(self, form: CallbackRequestForm, *, is_empty: bool) -> None:
        self.form = form
        self.is_empty = is_empty

    def __getitem__(self, name: str) -> SafeString:
        if not self.is_empty or name in OF_THE_DAY:
            return self._made(name)
        key = (translation.get_language() or "", name)
        if key not in _empty:
            _empty[key] = self._made(name)
        return _empty[key]

    def _made(self, name: str) -> SafeString:
        context = {"field": self.form[name], "optional_word": name not in WITHOUT_OPTIONAL}
        return render_to_string("admin/intake/_field.html", context)
