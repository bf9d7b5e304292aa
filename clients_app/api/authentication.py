"""The API's login: `Authorization: Bearer` and the token of a device (RFC 6750)."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from clients_app import access, logins, wall
from clients_app.models import Login, User


class TokenAuthentication(BaseAuthentication):
    """Looks the token up at every request, so access ends with the request after it is revoked."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        scheme, _space, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        login = logins.token_of(secret.decode("latin-1"))
        if login is None:
            raise AuthenticationFailed
        # The middleware takes it back when the request is over.
        access.acting.set(login)
        wall.enter(login.user.pk)
        logins.seen(login)
        return login.user, login

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
