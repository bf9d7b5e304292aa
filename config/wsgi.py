"""What the web server serves, if it is safe to."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
application = get_wsgi_application()

from clients_app import checks  # noqa: E402 needs the loaded app registry

checks.insist()
