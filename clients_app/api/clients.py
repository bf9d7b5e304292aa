"""Clients: list, search, register, read, change, discharge, reopen."""

from uuid import UUID

from rest_framework import serializers

from clients_app import clients
from clients_app.api import pages
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Day, DayText, Text
from clients_app.api.shapes import (
    A_DAY,
    Answer,
    Body,
    Change,
    PageQuery,
    Values,
)
from clients_app.models import Category, Client, Kind, ServiceType, User

ORDER = "clients:code"
FACTS = ("kind", "service_type", "jurisdiction")


class ClientsQuery(PageQuery):
    """Which clients."""

    status = Choice(["active", "discharged", "all"], default="active")


class ClientLine(Answer):
    """A client in a list, with the names to find them by."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    kind = Choice(Kind.values)
    service_type = Choice(ServiceType.values)
    discharged_on = serializers.DateField(allow_null=True)
    retain_until = serializers.DateField(allow_null=True)
    full_name = serializers.CharField(allow_null=True)
    preferred_name = serializers.CharField(allow_null=True)


class ClientFile(Answer):
    """A client's file without the identity."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    code = serializers.CharField()
    kind = Choice(Kind.values)
    service_type = Choice(ServiceType.values)
    jurisdiction = serializers.CharField()
    registered_at = serializers.DateTimeField()
    last_contact_on = serializers.DateField(allow_null=True)
    discharged_on = serializers.DateField(allow_null=True)
    retain_until = serializers.DateField(allow_null=True)


class ClientDetail(ClientFile):
    """A client's file with the identity."""

    full_name = serializers.CharField(allow_null=True)
    preferred_name = serializers.CharField(allow_null=True)
    pronouns = serializers.CharField(allow_null=True)
    birth_date = serializers.DateField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    address = serializers.CharField(allow_null=True)
    trusted_person = serializers.CharField(allow_null=True)
    death_date = serializers.DateField(allow_null=True)
    category = Choice(Category.values, allow_null=True)


class Identity(Body):
    """What is known of a client; null is for what is not."""

    kind = Choice(Kind.values, required=False)
    service_type = Choice(ServiceType.values, required=False)
    jurisdiction = Text(required=False, help_text="A country code such as EE, or US-CA.")
    full_name = Text(required=False, allow_null=True)
    preferred_name = Text(required=False, allow_null=True)
    pronouns = Text(required=False, allow_null=True)
    birth_date = DayText(required=False, allow_null=True)
    phone = Text(required=False, allow_null=True)
    email = Text(required=False, allow_null=True)
    address = Text(required=False, allow_null=True)
    trusted_person = Text(required=False, allow_null=True)
    death_date = DayText(required=False, allow_null=True)
    category = Choice(
        Category.values,
        required=False,
        allow_null=True,
        help_text="What some rules of retention ask about.",
    )


class NewClient(Identity):
    """A client to register. What is missing can be added later."""

    example = {"kind": "person", "service_type": "counselling", "full_name": "…"}


class ClientChange(Identity, Change):
    """What is to be changed."""

    example = {"preferred_name": "…", "phone": None}


class Words(Body):
    """What to look for."""

    words = Text(max_length=300)
    example = {"words": "a part of a name, a code, a phone number or an e-mail"}


class Found(Answer):
    """The clients that were found, at most 50."""

    results = ClientLine(many=True)


class Discharge(Body):
    """The end of care."""

    on = Day(help_text="The day on which care ended.")
    example = {"on": A_DAY}


class Clients(Door):
    """The clients whom one may read."""

    @operation("listClients", asks=ClientsQuery, answers=ClientLine, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """Clients in the order of their codes."""
        after = pages.opened(query["cursor"], ORDER)[0] if "cursor" in query else None
        page = clients.browse(by=by, status=query["status"], after=after, limit=query["limit"])
        return {
            "results": [line(profile) for profile in page.profiles],
            "next": pages.closed([page.after], ORDER) if page.after else None,
        }

    @operation("registerClient", takes=NewClient, answers=ClientFile, status=201, refuses=(403,))
    def post(self, by: User, body: Values) -> Values:
        """Open a file under a new code and key. A counsellor becomes the client's confidant."""
        facts = {name: body[name] for name in FACTS if name in body}
        identity = {name: value for name, value in body.items() if name not in FACTS}
        return file(clients.register(by=by, identity=identity, **facts))


class Search(Door):
    """Finding a client."""

    @operation("searchClients", takes=Words, answers=Found, refuses=(403,))
    def post(self, by: User, body: Values) -> Values:
        """Find clients by parts of name, code, phone or e-mail. The words stay out of addresses."""
        return {"results": [line(profile) for profile in clients.search(body["words"], by=by)]}


class OneClient(Door):
    """A client's file."""

    @operation("readClient", answers=ClientDetail, refuses=(403, 404))
    def get(self, by: User, client_id: UUID) -> Values:
        """Read a client with the whole identity."""
        profile = clients.read(client_id, by=by)
        return {**file(profile.client), **profile.identity}

    @operation(
        "changeClient", takes=ClientChange, answers=ClientFile, if_match=True, refuses=(403, 404)
    )
    def patch(self, by: User, client_id: UUID, version: int, body: Values) -> Values:
        """Change what is named, of the version that was read."""
        return file(clients.change(client_id, by=by, version=version, **body))


class Reopening(Body):
    """What goes when care resumes."""

    kept_until = Day(
        required=False,
        allow_null=True,
        help_text="The `retain_until` that goes; null where the file has none.",
    )
    example = {"kept_until": None}


class Discharging(Door):
    """The end of care."""

    @operation("dischargeClient", takes=Discharge, answers=ClientFile, refuses=(403, 404, 409))
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """End care on that day. The rules of retention then say how long the file is kept."""
        return file(clients.discharge(client_id, by=by, on=body["on"]))


class Resuming(Door):
    """The resumption of care."""

    @operation("reopenClient", takes=Reopening, answers=ClientFile, refuses=(403, 404, 409))
    def post(self, by: User, client_id: UUID, body: Values) -> Values:
        """Resume care. The date until which the file is kept goes, so name it: another than the
        one that stands is refused. The next discharge counts anew."""
        return file(clients.reopen(client_id, by=by, **body))


def line(profile: clients.Profile) -> Values:
    client = profile.client
    return {
        "id": client.pk,
        "code": client.code,
        "kind": client.kind,
        "service_type": client.service_type,
        "discharged_on": client.discharged_on,
        "retain_until": client.retain_until,
        "full_name": profile.identity["full_name"],
        "preferred_name": profile.identity["preferred_name"],
    }


def file(client: Client) -> Values:
    return {
        "id": client.pk,
        "version": client.version,
        "code": client.code,
        "kind": client.kind,
        "service_type": client.service_type,
        "jurisdiction": client.jurisdiction,
        "registered_at": client.registered_at,
        "last_contact_on": client.last_contact_on,
        "discharged_on": client.discharged_on,
        "retain_until": client.retain_until,
    }
