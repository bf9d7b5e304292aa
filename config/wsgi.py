"""What the web server serves, if it is safe to."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config.process import forbid_core_dumps

forbid_core_dumps()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
application = get_wsgi_application()

from clients_app import checks  # noqa: E402 needs the loaded app registry

checks.insist()

# What is loaded by now stays: the collector need not look through it again and again.
gc.collect()
gc.freeze()
