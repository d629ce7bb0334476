from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"
    verbose_name = "Helpline"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing a checks module registers its start-up checks.
        from intake import checks  # noqa: F401
        from intake.crypto import checks as crypto_checks  # noqa: F401
