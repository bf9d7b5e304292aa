"""python -m tests.bench.fill STORE: fill a contestant's own database, in a process of its own.

Django knows one settings module a process, and the contestants have different ones. DATABASE_URL
names the database; the doors go to stdout as JSON.
"""

import argparse
import os
import sys
from dataclasses import asdict
from importlib import import_module

import django
import orjson

from tests.bench.data import Caseload


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fill", description=__doc__)
    parser.add_argument("store", choices=["product", "stock", "floor"])
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--notes", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--altered", action="store_true")
    options = parser.parse_args()
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    caseload = Caseload(options.clients, options.notes, options.bytes, options.altered)
    doors = list(import_module(f"tests.bench.contestants.{options.store}").fill(caseload))
    sys.stdout.buffer.write(orjson.dumps([asdict(door) for door in doors]))


if __name__ == "__main__":
    main()
