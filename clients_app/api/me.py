"""Log in, log out, and who one is."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from clients_app import access, logins, second_factor, users, vouching
from clients_app.api.door import Door, operation
from clients_app.api.fields import Text
from clients_app.api.pages import page
from clients_app.api.shapes import Answer, Body, PageQuery, Values
from clients_app.models import Login, User
from clients_app.roles import Permission


class Credentials(Body):
    """Who logs in, and on what device."""

    email = Text(max_length=254)
    password = Text(max_length=1000)
    code = Text(max_length=20, help_text="Of the authenticator app, or one of the recovery codes.")
    device = Text(max_length=100, default="", help_text="What the user calls this device.")
    known_device = Text(
        max_length=100,
        default="",
        help_text="What the last login gave to this device, so that a stranger's guesses do not"
        " lock it out. Keep it when logging out.",
    )
    example = {
        "email": "somebody@practice.example",
        "password": "…",
        "code": "…",
        "device": "phone",
    }


class Token(Answer):
    """A device's login. The token is shown this once."""

    id = serializers.UUIDField()
    token = serializers.CharField()
    known_device = serializers.CharField(help_text="To be sent with the next login.")
    expires_at = serializers.DateTimeField()


class Code(Body):
    """The second factor."""

    code = Text(max_length=20, help_text="Of the authenticator app, or a recovery code.")
    example = {"code": "…"}


class Confirmed(Answer):
    """The second factor was given a moment ago."""

    until = serializers.DateTimeField(help_text="Until when it counts as fresh.")


class OwnLogin(Answer):
    """A browser or device in which one is logged in."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Login.Kind.choices)
    device = serializers.CharField(help_text="What the user calls it.")
    created_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField(help_text="When it was last used, to the minute.")
    expires_at = serializers.DateTimeField()
    current = serializers.BooleanField(help_text="Whether it is the one that asks.")


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
    permissions = serializers.ListField(
        child=serializers.CharField(), help_text="None while nobody has vouched for the login."
    )
    code = serializers.CharField(
        allow_null=True,
        help_text="What to tell a colleague who vouches for the login; null when somebody has.",
    )


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
        """Log a device in, with password and second factor. Somebody without one sets it up in
        the browser first."""
        login, secret, known = logins.log_in_device(**body)
        return {
            "id": login.pk,
            "token": secret,
            "known_device": known,
            "expires_at": login.expires_at,
        }


class CurrentToken(Door):
    """The login of the device that asks."""

    @operation("logOut")
    def delete(self, by: User) -> None:
        """Log this device out. Its token opens nothing from the next request on."""
        login: Any = self.request.auth
        logins.close(login.pk, by=by)


class OwnLogins(Door):
    """Where one is logged in."""

    @operation("listMyLogins", asks=PageQuery, answers=OwnLogin, paged=True)
    def get(self, by: User, query: Values) -> Values:
        """The browsers and devices in which one is logged in, the newest first."""
        here: Any = self.request.auth
        return page(logins.mine(by=by), lambda login: own_login(login, here), query)


class OneOwnLogin(Door):
    """A browser or device of one's own."""

    @operation("closeMyLogin", refuses=(404,))
    def delete(self, by: User, login_id: UUID) -> None:
        """Log it out, from its next request on."""
        logins.close(login_id, by=by)


class Confirming(Door):
    """The second factor, given again."""

    @operation("confirm", takes=Code, answers=Confirmed, refuses=(429,))
    def post(self, by: User, body: Values) -> Values:
        """Give the second factor again. For five minutes it opens what answered
        `second_factor_required`."""
        return {"until": logins.confirm(second_factor.Answer(code=body["code"]), by=by)}


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
            "permissions": sorted(one for one in Permission if access.scope(by, one) is not None),
            "code": None if by.vouched_at or by.is_superuser else vouching.code(by),
        }


class OwnPassword(Door):
    """One's own password."""

    @operation("changeMyPassword", takes=NewPassword, refuses=(429,))
    def post(self, by: User, body: Values) -> None:
        """Change one's own password. Every device, this one too, has to log in again."""
        users.change_own_password(by=by, old=body["old"], new=body["new"])


def own_login(login: Login, here: Login) -> Values:
    return {
        "id": login.pk,
        "kind": login.kind,
        "device": login.device,
        "created_at": login.created_at,
        "seen_at": login.seen_at,
        "expires_at": login.expires_at,
        "current": login.pk == here.pk,
    }
