"""Before its first query each request asks whether the kept connection still lives. Django asks the
server (`SELECT 1`, a round trip of every request); mostly the socket knows."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for `is_usable`."""

    def is_usable(self) -> bool:
        """An idle connection on which nothing waits to be read has not been told goodbye. Where
        something waits, it may be the end or only a notice: then the server is asked."""
        if self.connection is None:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        usable: bool = super().is_usable() if poll.poll(0) else True
        return usable
