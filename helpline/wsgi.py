"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpline.settings")

application = get_wsgi_application()

from helpline.reporting import install_hooks  # noqa: E402 - needs Django set up
from helpline.startup import stop_on_errors  # noqa: E402

install_hooks()
stop_on_errors()
