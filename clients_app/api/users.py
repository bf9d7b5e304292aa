"""The logins of a practice."""

from uuid import UUID

from django.conf import settings
from rest_framework import serializers

from clients_app import invitations, users, vouching
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
    vouched = serializers.BooleanField(
        help_text="Until a second person has vouched for it, a login opens nothing."
    )


class NewUser(Body):
    """A login to make."""

    email = Text(max_length=254)
    name = Text(max_length=200)
    role = Choice(Role)
    example = {"email": "somebody@practice.example", "name": "…", "role": "counsellor"}


class UserState(Body):
    """A login as it shall be."""

    name = Text(max_length=200)
    role = Choice(Role)
    is_active = Flag()
    example = {"name": "…", "role": "counsellor", "is_active": False}


class Lost(Body):
    """What the person has lost."""

    forget_second_factor = Flag(
        default=False, help_text="True where app, passkeys and recovery codes are lost too."
    )
    example = {"forget_second_factor": False}


class Link(Answer):
    """A link to choose a password, for one use. It is shown this once."""

    link = serializers.CharField(
        allow_null=True, help_text="null where mail goes out: then it is its owner's alone."
    )
    expires_at = serializers.DateTimeField()
    mailed = serializers.BooleanField(help_text="Whether it was mailed to the person.")


class Told(Body):
    """What the person sees who has just come in."""

    code = Text(max_length=20)
    example = {"code": "1234 5678"}


class Count(Answer):
    """How many there are."""

    count = serializers.IntegerField()


class Users(Door):
    """The logins of one's practice."""

    @operation("listUsers", asks=PageQuery, answers=Login, paged=True, refuses=(403,))
    def get(self, by: User, query: Values) -> Values:
        """The logins of the practice, by name."""
        return page(users.browse(by=by), login, query)

    @operation("createUser", takes=NewUser, answers=Login, status=201, refuses=(403, 409))
    def post(self, by: User, body: Values) -> Values:
        """Make a login in one's own practice. `inviteUser` then gives the link by which the person
        chooses a password."""
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


class Inviting(Door):
    """A link to choose a password."""

    @operation("inviteUser", takes=Lost, answers=Link, status=201, refuses=(403, 404, 409))
    def post(self, by: User, user_id: UUID, body: Values) -> Values:
        """Make a link by which the person chooses a password. The old one, and every browser and
        device, ends now."""
        made = invitations.invite(user_id, by=by, forget_factors=body["forget_second_factor"])
        here = settings.PUBLIC_URL or f"{self.request.scheme}://{self.request.get_host()}"
        return {
            "link": here + made.path if made.path else None,
            "expires_at": made.expires_at,
            "mailed": made.mailed,
        }


class Vouching(Door):
    """The word of a second person."""

    @operation("vouchForUser", takes=Told, answers=Login, refuses=(403, 404, 409))
    def post(self, by: User, user_id: UUID, body: Values) -> Values:
        """Say that a login belongs to whom it names, by the code that they see after coming in.
        Never by whoever made it, gave it its role or had its link."""
        return login(vouching.vouch(user_id, by=by, code=body["code"]))


class Logins(Door):
    """Where somebody is logged in."""

    @operation("countLogins", answers=Count, refuses=(403, 404))
    def get(self, by: User, user_id: UUID) -> Values:
        """In how many browsers and devices somebody of the practice is logged in."""
        return {"count": users.logins_of(user_id, by=by)}

    @operation("logUserOut", refuses=(403, 404))
    def delete(self, by: User, user_id: UUID) -> None:
        """Log somebody of the practice out everywhere."""
        users.log_out(user_id, by=by)


def login(user: User) -> Values:
    return {
        "id": user.pk,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
        "vouched": user.is_superuser or user.vouched_at is not None,
    }
