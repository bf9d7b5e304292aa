"""The logins of a practice."""

from uuid import UUID

from rest_framework import serializers

from clients_app import users
from clients_app.api.door import Door, operation
from clients_app.api.fields import Choice, Flag, Text
from clients_app.api.pages import page
from clients_app.api.shapes import Answer, Body, PageQuery, Values
from clients_app.models import User
from clients_app.roles import Role


class Login(Answer):
    """A login of the practice."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    email = serializers.CharField()
    role = serializers.CharField(help_text="Empty for the superuser, who has none.")
    is_active = serializers.BooleanField()


class NewUser(Body):
    """A login to make."""

    email = Text(max_length=254)
    name = Text(max_length=200)
    role = Choice(Role)
    password = Text(max_length=1000)
    example = {
        "email": "somebody@practice.example",
        "name": "…",
        "role": "counsellor",
        "password": "four or more words to begin with",
    }


class UserState(Body):
    """A login as it shall be."""

    name = Text(max_length=200)
    role = Choice(Role)
    is_active = Flag()
    example = {"name": "…", "role": "counsellor", "is_active": False}


class GivenPassword(Body):
    """A password for somebody else."""

    password = Text(max_length=1000)
    example = {"password": "four or more words to begin with"}


class Users(Door):
    """The logins of one's practice."""

    @operation("listUsers", asks=PageQuery, answers=Login, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The logins of the practice, by name."""
        return page(users.browse(by=by), login, query)

    @operation("createUser", takes=NewUser, answers=Login, status=201, refuses=(403, 409))
    def post(self, by: User, body: Values) -> Values:
        """Make a login in one's own practice."""
        return login(users.create(by=by, **body))


class OneUser(Door):
    """A login."""

    @operation("readUser", answers=Login, refuses=(403, 404))
    def get(self, by: User, user_id: UUID) -> Values:
        """Read a login of the practice."""
        return login(users.read(user_id, by=by))

    @operation("changeUser", takes=UserState, answers=Login, refuses=(403, 404, 409))
    def put(self, by: User, user_id: UUID, body: Values) -> Values:
        """Rename, give another role, or disable. It holds at the user's next request."""
        return login(users.change(user_id, by=by, **body))


class PasswordReset(Door):
    """A login's password."""

    @operation("resetPassword", takes=GivenPassword, refuses=(403, 404))
    def post(self, by: User, user_id: UUID, body: Values) -> None:
        """Give a login a new password. Its devices have to log in again."""
        users.reset_password(user_id, by=by, password=body["password"])


def login(user: User) -> Values:
    return {
        "id": user.pk,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
    }
