"""Release: handing anything outward, to anyone. One gate, which every verb that does it passes.

Nothing goes out on no ground. Either the client was given a promise that says when something may
be told, and it is in force; or an exception is on record that says why this once it is told. The
client's data that the client takes along is theirs and needs no gate.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from clients_app import agreements
from clients_app.errors import Conflict, Invalid
from clients_app.models import Agreement, ConfidentialityException


@dataclass(frozen=True, slots=True)
class Grounds:
    """On what something is handed out: the one or the other, or both."""

    agreement: Agreement | None
    exception: ConfidentialityException | None


def require(client_id: UUID, *, at: datetime, exception_id: UUID | None = None) -> Grounds:
    """The grounds on which something of this client may go out at that moment.

    The calling verb has asked `access` already. Raises Conflict that says what to record first,
    Invalid for an exception that is not this client's.
    """
    exception = None
    if exception_id is not None:
        rows = ConfidentialityException.objects.filter(client_id=client_id)
        exception = rows.filter(pk=exception_id).first()
        if exception is None:
            raise Invalid("exception", _("Choose an exception on record for this client."))
    agreement = agreements.in_force(client_id, at)
    if agreement is None and exception is None:
        raise Conflict(
            _(
                "Nothing of this client may be handed out yet. Record first which confidentiality "
                "statement the client was given, or the exception that allows it."
            ),
            code="no_ground",
        )
    return Grounds(agreement, exception)
