#!/usr/bin/env python
"""Run Django's and the helpline's own commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpline.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Settings name the variable and what it should look like: the operator needs no more.
        sys.exit(f"Settings: {error}")


if __name__ == "__main__":
    main()
