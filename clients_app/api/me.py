"""Log in, log out, and who one is."""

from typing import Any

from rest_framework import serializers

from clients_app import logins, users
from clients_app.api.door import Door, operation
from clients_app.api.fields import Text
from clients_app.api.shapes import Answer, Body, Values
from clients_app.models import User
from clients_app.roles import GRANTS, Role


class Credentials(Body):
    """Who logs in, and on what device."""

    email = Text(max_length=254)
    password = Text(max_length=1000)
    device = Text(max_length=100, default="", help_text="What the user calls this device.")
    example = {"email": "somebody@practice.example", "password": "…", "device": "phone"}


class Token(Answer):
    """A device's login. The token is shown this once."""

    id = serializers.UUIDField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class OwnPractice(Answer):
    """The organisation one works for."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    time_zone = serializers.CharField()


class Me(Answer):
    """Who is logged in. Whom a permission covers, the relation to the client says."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.CharField()
    role = serializers.CharField(help_text="Empty for the superuser, who has none.")
    practice = OwnPractice(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField())


class NewPassword(Body):
    """One's present password and the next."""

    old = Text(max_length=1000)
    new = Text(max_length=1000)
    example = {"old": "…", "new": "four or more words of your own"}


class Tokens(Door):
    """The logins of devices."""

    authentication_classes = ()
    permission_classes = ()

    @operation(
        "logIn", takes=Credentials, answers=Token, status=201, refuses=(401, 429), public=True
    )
    def post(self, by: None, body: Values) -> Values:
        """Log a device in."""
        token, secret = logins.open_token(body["email"], body["password"], device=body["device"])
        return {"id": token.pk, "token": secret, "expires_at": token.expires_at}


class CurrentToken(Door):
    """The login of the device that asks."""

    @operation("logOut")
    def delete(self, by: User) -> None:
        """Log this device out. Its token opens nothing from the next request on."""
        token: Any = self.request.auth
        logins.close_token(token.pk, by=by)


class OneSelf(Door):
    """The user who is logged in."""

    @operation("readMe", answers=Me)
    def get(self, by: User) -> Values:
        """Who is logged in, with the permissions of the role."""
        practice = by.practice
        return {
            "id": by.pk,
            "name": by.name,
            "email": by.email,
            "role": by.role,
            "practice": practice
            and {"id": practice.pk, "name": practice.name, "time_zone": practice.time_zone},
            "permissions": sorted(GRANTS[Role(by.role)]) if by.role else [],
        }


class OwnPassword(Door):
    """One's own password."""

    @operation("changeMyPassword", takes=NewPassword)
    def post(self, by: User, body: Values) -> None:
        """Change one's own password. Every device, this one too, has to log in again."""
        users.change_own_password(by=by, old=body["old"], new=body["new"])
