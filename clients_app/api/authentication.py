"""The API's login: `Authorization: Bearer` and the token of a device (RFC 6750)."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from clients_app import logins, wall
from clients_app.models import AccessToken, User


class TokenAuthentication(BaseAuthentication):
    """Looks the token up at every request, so access ends with the request after it is revoked."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        scheme, _space, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = logins.token_of(secret.decode("latin-1"))
        if token is None:
            raise AuthenticationFailed
        wall.enter(token.user.pk)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
