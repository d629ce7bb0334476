"""For servers that speak ASGI; `manage.py up` and the compose file use helpline.wsgi."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpline.settings")

application = get_asgi_application()

from helpline.reporting import install_hooks  # noqa: E402 - needs Django set up
from helpline.startup import stop_on_errors  # noqa: E402

install_hooks()
stop_on_errors()
