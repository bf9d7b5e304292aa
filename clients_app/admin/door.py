"""What every page has in common: parse, call one verb, render.

A `DoorAdmin` keeps the registry, names and addresses of Django's admin and none of its views:
those write rows, history lines and messages by themselves and wrap refusals in a transaction that
takes their record back. Whatever a page shows or does comes from a verb; what a verb refuses is a
message on the form, or the site's page for refusals (`site.UsaldusAdminSite.admin_view`).

`access.scope` says here what a menu offers. `access.require` is asked before a form is shown, so
that nobody fills one in for nothing, and records the refusal as any verb would.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.views.decorators.http import require_http_methods

from clients_app import access, break_glass, files, roles
from clients_app.admin.forms import DoorForm
from clients_app.errors import Conflict, Hidden, Invalid, Stale
from clients_app.models import BreakGlass, User
from clients_app.roles import Permission

T = TypeVar("T")
View = Callable[..., HttpResponse]
Text = str | Promise
Crumb = tuple[Text, str]
NONE = UUID(int=0)
# What an address of a page answers to: reading, a form, or a deed that has no page of its own.
READING, FORM, DEED = ("GET", "HEAD"), ("GET", "HEAD", "POST"), ("POST",)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class DoorAdmin(ModelAdmin):
    """A model's pages: `list_page`, `new_page` and `one_page` under the admin's usual names."""

    # Which permission puts the model into the menu, and offers "add".
    sees: Permission | None = None
    adds: Permission | None = None
    # Where in the menu; None keeps it out.
    menu_order: int | None = None
    # Whether the list, and the page of one, have something to send.
    list_methods: Sequence[str] = READING
    one_methods: Sequence[str] = READING

    def list_page(self, request: HttpRequest) -> HttpResponse:
        raise nothing_here()

    def new_page(self, request: HttpRequest) -> HttpResponse:
        raise nothing_here()

    def one_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        raise nothing_here()

    def more_urls(self) -> list[URLPattern]:
        """Addresses beyond the usual three."""
        return []

    def get_urls(self) -> list[Any]:
        return [
            self.route("", self.list_page, "changelist", self.list_methods),
            self.route("add/", self.new_page, "add"),
            *self.more_urls(),
            self.route("<uuid:object_id>/change/", self.one_page, "change", self.one_methods),
        ]

    def route(self, where: str, view: View, name: str, methods: Sequence[str] = FORM) -> URLPattern:
        """A page behind the login."""
        guarded = self.admin_site.admin_view(require_http_methods(list(methods))(view))
        return path(where, guarded, name=f"{self.label}_{name}")

    @property
    def label(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def url(self, name: str, *args: Any) -> str:
        """The address of one of this model's pages."""
        return reverse(f"admin:{self.label}_{name}", args=args)

    def menu_label(self, user: User) -> Text:
        """What the menu and the breadcrumbs call the list."""
        return str(self.opts.verbose_name_plural).capitalize()

    def page(
        self,
        request: HttpRequest,
        template: str,
        title: Text,
        *,
        crumbs: Sequence[Crumb] = (),
        status: int = 200,
        about: UUID | None = None,
        **context: Any,
    ) -> HttpResponse:
        """Render a page of the site. `crumbs` lie between the model's list and this page. `about`
        is the client whose page it is: under an emergency access it offers reading alone."""
        home: list[Crumb] = []
        if self.has_view_permission(request):
            home.append((self.menu_label(the_user(request)), self.url("changelist")))
        whole = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "crumbs": [crumb for crumb in (*home, *crumbs) if crumb[1] != request.path],
            **context,
        }
        if about is not None and emergency(request, about):
            whole["may"] = {permission.name.lower(): True for permission in roles.BREAK_GLASS}
        return render(request, template, whole, status=status)

    def form_page(
        self,
        request: HttpRequest,
        form: DoorForm,
        title: Text,
        *,
        submit: Text,
        template: str = "usaldus/form_page.html",
        **context: Any,
    ) -> HttpResponse:
        """A page whose one purpose is a form."""
        return self.page(request, template, title, form=form, submit=submit, **context)

    def done(
        self, request: HttpRequest, message: Text, name: str, *args: Any, fragment: str = ""
    ) -> HttpResponse:
        """After a deed: say so without content, and go where it can be seen."""
        return done(request, message, self.url(name, *args) + fragment)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return offers(request, self.sees)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return offers(request, self.adds)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def attempt(
    form: DoorForm,
    deed: Callable[[], T],
    *,
    current: Callable[[], Mapping[str, str]] | None = None,
) -> T | None:
    """The verb's answer; None if it refused, and then the form says why and keeps what was typed.

    `current` reads what is saved now, to be shown beside what was typed when the verb is Stale.
    """
    if not form.is_valid():
        return None
    try:
        return deed()
    except Invalid as refused:
        form.add_error(form.field_of(refused.field), str(refused.message))
    except Stale as refused:
        form.compare(refused, current() if current else {})
    except Conflict as refused:
        form.add_error(None, str(refused.message))
    return None


def went(form: DoorForm, deed: Callable[[], object]) -> bool:
    """Whether the verb did it, where its answer is of no further use."""
    return attempt(form, deed) is not None


def deed(
    request: HttpRequest, verb: Callable[[], object], message: Text, address: str
) -> HttpResponse:
    """A deed by one button: do it, say so or say why not, and go on to `address`."""
    try:
        verb()
    except (Invalid, Conflict, Stale) as refused:
        messages.error(request, str(refused.message))
        return redirect(address)
    return done(request, message, address)


def done(request: HttpRequest, message: Text, address: str) -> HttpResponse:
    messages.success(request, str(message))
    return redirect(address)


def asked_text(request: HttpRequest, name: str) -> str | None:
    """A text that an address carries; None without it, or where no column could hold it."""
    value = request.GET.get(name)
    return value if value and "\0" not in value else None


def the_user(request: HttpRequest) -> User:
    """Who is logged in; every page is behind the login."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def offers(
    request: HttpRequest, permission: Permission | None, client_id: UUID | None = None
) -> bool:
    """Whether a menu, or a page of that client, offers this. What may be done, the verb decides."""
    if client_id is not None and emergency(request, client_id):
        return permission in roles.BREAK_GLASS
    return (
        permission is not None
        and request.user.is_authenticated
        and access.scope(the_user(request), permission) is not None
    )


def emergencies(request: HttpRequest) -> list[BreakGlass]:
    """The emergency accesses that the user has in force, asked once a request."""
    found: list[BreakGlass] | None = getattr(request, "emergencies", None)
    if found is None:
        found = break_glass.in_force(by=the_user(request))
        request.emergencies = found  # type: ignore[attr-defined]
    return found


def emergency(request: HttpRequest, client_id: UUID) -> bool:
    """Whether the user has that client's file open by an emergency access alone."""
    return any(opened.client_id == client_id for opened in emergencies(request))


def offered(user: User) -> dict[str, bool]:
    """Every permission that the role has, for templates: `may.note_write`."""
    return {
        permission.name.lower(): True
        for permission in Permission
        if access.scope(user, permission) is not None
    }


def asked_id(request: HttpRequest, name: str) -> UUID | None:
    """The id that an address names; one that is none leads to the same as one of nothing."""
    value = request.GET.get(name, "")
    if not value:
        return None
    try:
        return UUID(value)
    except ValueError:
        return NONE


def asked_code(request: HttpRequest) -> str:
    """The code of the client from whose page a form was opened."""
    client = asked_id(request, "client")
    return files.codes([client], by=the_user(request)).get(client, "") if client else ""


def nothing_here() -> Hidden:
    """For an address that leads nowhere, the same answer as for what is hidden."""
    return Hidden("")
