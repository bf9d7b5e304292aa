"""python -m tests.bench.race N: so many races on an empty database, as one line of JSON."""

import sys
import time
from dataclasses import asdict

import django
import orjson


def main(races: int) -> int:
    """1 where a race was lost, or where chance let one side win them all."""
    django.setup()
    from clients_app import practices, users, wall
    from tests.bench import races as bench

    with wall.system("races"):
        practice = practices.create(by=None, name="Races", slug="races")
        counsellor, officer = (
            users.create(
                by=None,
                email=f"{role}@races.example",
                name=role,
                role=role,
                password="seven quiet herons at dawn",
                practice=practice,
            )
            for role in ("counsellor", "privacy_officer")
        )
        began = time.monotonic()
        result = bench.run(races, counsellor=counsellor, officer=officer)
    figures = asdict(result) | {"races": races, "seconds": round(time.monotonic() - began, 1)}
    sys.stdout.write(orjson.dumps(figures).decode() + "\n")
    return int(bool(result.lost or result.failed) or not (result.held and result.destroyed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
