from importlib import import_module

from django.contrib.admin.apps import AdminConfig


class HelplineAdminConfig(AdminConfig):
    """Django's admin, with our own site in place of the stock one."""

    default_site = "intake.admin.site.HelplineSite"

    def ready(self) -> None:
        # The site is made on first use, and the package that holds it registers on it: were the
        # site's making to import the package, the registrations would land on a lost first copy.
        import_module("intake.admin")
        # Starts the clocks of a session at every log-in, also one made before any request.
        import_module("helpline.sessions")
        super().ready()
