#!/usr/bin/env python
"""Django's command line. Production settings unless DJANGO_SETTINGS_MODULE says otherwise."""

import os
import sys

from django.core.management import execute_from_command_line

from config.process import forbid_core_dumps

if __name__ == "__main__":
    forbid_core_dumps()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    execute_from_command_line(sys.argv)
