"""A real PostgreSQL and a real Redis out of wheels, for `make run` and `make test`.

Nothing has to be installed or configured beforehand, and nothing of it is used in production:
there, DATABASE_URL and REDIS_URL name servers that somebody else looks after. Whichever of the two
is set (or has its _FILE set) is used as it is, and nothing is started in its place.

What a started pair promises:

* it is reachable by the user who started it and by nobody else on the machine;
* the application connects as a role that is neither superuser nor exempt from row security;
* no text of a statement or of its parameters reaches the servers' logs;
* it outlives nothing: it stops with the one who started it, and whatever a crash left running is
  stopped at the next start, each process by its id.
"""

from config.embedded.place import EmbeddedError
from config.embedded.servers import Servers, remove, start

__all__ = ["EmbeddedError", "Servers", "remove", "start"]
