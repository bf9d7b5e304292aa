"""The control of n12: the product as many are. A login of nobody costs no hash (CVE-2024-39329 was
one of these), and who forgot their password is mailed a link before the page answers."""

from typing import Any
from uuid import UUID

from config.wsgi import application

__all__ = ["application"]

from clients_app import invitations, logins


class NoQueue:
    """Where the mails go off at once."""

    def send_task(self, _name: str, ids: list[str], **_more: Any) -> None:
        invitations.forgotten(UUID(ids[0]))


vars(logins).update(make_password=lambda _password: "")
vars(invitations).update(current_app=NoQueue())
