"""Nobody comes to what clients confide by one person's word.

Mattias, the manager, makes a login for Kersti. She comes in, sees a code, and tells it to
Piret, the privacy officer, who knows her voice. Until then her login opens nothing; and neither
Mattias nor root can make themselves somebody whom Mari confides in.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from rest_framework.test import APIClient

from clients_app import (
    access,
    care,
    clients,
    invitations,
    second_factor,
    succession,
    users,
    vouching,
    wall,
)
from clients_app.errors import Conflict, Denied, Hidden, Invalid, Refused
from clients_app.models import AuditEvent, Client, Practice, User
from clients_app.roles import Permission, Role
from sessions_app import supervision
from sessions_app.models import SessionNote, SupervisionExcerpt
from tests.conftest import PASSWORD, Cast, app_of, let_in, trail


def hired(by: User, practice: Practice, role: str = "counsellor", name: str = "Kersti") -> User:
    """Somebody new, who has not come in yet."""
    email = f"{name.lower()}@kalda.example"
    return users.create(by=by, email=email, name=name, role=role, practice=practice)


def comes_in(user: User) -> User:
    """By the link, with a password and an app of their own."""
    made = invitations.invite(user.pk, by=None)
    assert made.path is not None
    secret = made.path.removeprefix(invitations.PATH).strip("/")
    invitations.accept(invitations.digest_of(secret), password="nine patient snails on moss")
    app_of(user)
    user.refresh_from_db()
    return user


@pytest.fixture
def kersti(cast: Cast, mari: Client) -> User:
    """A counsellor whom Mattias has just hired, in a practice that has clients; she is in."""
    return comes_in(hired(cast.mattias, cast.practice))


def test_until_somebody_vouches_a_login_opens_nothing(cast: Cast, kersti: User) -> None:
    for permission in Permission:
        assert access.scope(kersti, permission) is None
        assert not access.lends(kersti, permission)
    with pytest.raises(Denied, match=r"^unvouched$"):
        clients.browse(by=kersti)
    with pytest.raises(Denied, match=r"^unvouched$"):
        clients.register(by=kersti, identity={"full_name": "Somebody"})


def test_the_code_tells_whom_one_vouches_for(cast: Cast, kersti: User) -> None:
    vouching.vouch(kersti.pk, by=cast.piret, code=vouching.code(kersti))

    kersti.refresh_from_db()
    clients.register(by=kersti, identity={"full_name": "Her First"})
    line = AuditEvent.objects.get(event="user.vouched", actor_id=cast.piret.pk)
    assert (line.subject_id, line.practice_id) == (kersti.pk, cast.practice.pk)
    assert line.detail["role"] == "counsellor"


def test_the_code_is_two_words_of_four_digits(cast: Cast, kersti: User) -> None:
    codes = [vouching.code(user) for user in (kersti, cast.liis, cast.mark, cast.sofia)]
    assert all(re.fullmatch(r"\d{4} \d{4}", code) for code in codes)
    assert len(set(codes)) == 4


def test_the_code_may_be_typed_as_it_was_heard(cast: Cast, kersti: User) -> None:
    spoken = "-".join(vouching.code(kersti).replace(" ", ""))
    assert vouching.vouch(kersti.pk, by=cast.piret, code=spoken).vouched_by == cast.piret


def test_another_code_is_refused_and_on_the_trail(cast: Cast, kersti: User) -> None:
    wrong = f"{(int(vouching.code(kersti).replace(' ', '')) + 1) % 10**8:08}"
    for typed in (wrong, "", "1", vouching.code(cast.liis)):
        with pytest.raises(Invalid) as refused:
            vouching.vouch(kersti.pk, by=cast.piret, code=typed)
        assert refused.value.field == "code"
    kersti.refresh_from_db()
    assert not access.trusted(kersti)
    denials = AuditEvent.objects.filter(denied=True, subject_id=kersti.pk, reason="wrong_code")
    assert denials.count() == 4


def test_the_code_changes_with_whatever_opens_the_login(cast: Cast, kersti: User) -> None:
    seen = {vouching.code(kersti)}
    second_factor.renew_codes(by=kersti)
    seen.add(vouching.code(kersti))
    users.set_password(kersti, "another eleven quiet words")
    seen.add(vouching.code(kersti))
    kersti.role = Role.SUPERVISOR
    seen.add(vouching.code(kersti))
    assert len(seen) == 4


def test_nobody_vouches_for_who_has_not_come_in(cast: Cast, mari: Client) -> None:
    new = hired(cast.mattias, cast.practice)
    with pytest.raises(Conflict, match=r"^not_come_in$"):
        vouching.vouch(new.pk, by=cast.piret, code=vouching.code(new))
    invitations.invite(new.pk, by=None)
    new.set_password(PASSWORD)
    new.save()
    with pytest.raises(Conflict, match=r"^not_come_in$"):  # a password alone is half a login
        vouching.vouch(new.pk, by=cast.piret, code=vouching.code(new))


@pytest.mark.parametrize("who", ["liis", "sofia", "frida", "root"])
def test_only_managers_and_the_privacy_officer_vouch(cast: Cast, kersti: User, who: str) -> None:
    with pytest.raises(Denied):
        vouching.vouch(kersti.pk, by=getattr(cast, who), code=vouching.code(kersti))


def test_never_whoever_had_a_hand_in_it(cast: Cast, kersti: User) -> None:
    with pytest.raises(Conflict, match=r"^own_work$"):
        vouching.vouch(kersti.pk, by=cast.mattias, code=vouching.code(kersti))
    assert trail(denied=True, subject_id=kersti.pk, reason="own_work") == ["user.vouch"]


def test_every_hand_counts_until_somebody_vouches(cast: Cast, kersti: User) -> None:
    """Mattias made it, and may hold it; that Maarja changed its role does not let him vouch."""
    maarja = hired(cast.mattias, cast.practice, "practice_manager", "Maarja")
    comes_in(maarja)
    vouching.vouch(maarja.pk, by=cast.piret, code=vouching.code(maarja))
    maarja.refresh_from_db()
    users.change(kersti.pk, by=maarja, name="Kersti", role="supervisor", is_active=True)
    kersti.refresh_from_db()
    for manager in (cast.mattias, maarja):
        with pytest.raises(Conflict, match=r"^own_work$"):
            vouching.vouch(kersti.pk, by=manager, code=vouching.code(kersti))
    vouching.vouch(kersti.pk, by=cast.piret, code=vouching.code(kersti))

    # From here on it begins anew: that Mattias hired Kersti once is no hand in her next role.
    users.change(kersti.pk, by=maarja, name="Kersti", role="counsellor", is_active=True)
    kersti.refresh_from_db()
    vouching.vouch(kersti.pk, by=cast.mattias, code=vouching.code(kersti))


def test_the_database_asks_for_another_too(cast: Cast, kersti: User) -> None:
    with pytest.raises(IntegrityError, match="user_vouched_by_another"), transaction.atomic():
        User.objects.filter(pk=kersti.pk).update(vouched_by=cast.mattias)


def test_once_is_enough(cast: Cast, kersti: User) -> None:
    vouching.vouch(kersti.pk, by=cast.piret, code=vouching.code(kersti))
    with pytest.raises(Conflict) as refused:
        vouching.vouch(kersti.pk, by=cast.piret, code=vouching.code(kersti))
    assert refused.value.code == "vouched"


def test_who_waits_for_whom(cast: Cast, kersti: User) -> None:
    """By name; those of one's own practice who may still log in, and whom one did not hire."""
    olga = cast.olga
    assert olga.practice is not None
    clients.register(by=olga, identity={"full_name": "Somebody"})
    hired(cast.root, olga.practice, name="Tarmo")
    aino, twin = (hired(cast.mattias, cast.practice, name=name) for name in ("Aino", "Kersti2"))
    User.objects.filter(pk=twin.pk).update(name="Kersti")
    gone = hired(cast.mattias, cast.practice, name="Gea")
    users.change(gone.pk, by=cast.mattias, name="Gea", role="counsellor", is_active=False)

    assert list(vouching.waiting(by=cast.piret)) == [aino, kersti, twin]
    assert list(vouching.waiting(by=cast.mattias)) == []
    for name in ("Zoja", "Aita"):
        officer = hired(cast.root, cast.practice, "privacy_officer", name)
        vouching.vouch_as_operator(officer.email)
    aita = User.objects.get(name="Aita")
    assert list(vouching.whom_to_ask(kersti)) == [
        aita,
        cast.piret,
        User.objects.get(name="Zoja"),
    ]
    users.change(aita.pk, by=cast.mattias, name="Aita", role="privacy_officer", is_active=False)
    User.objects.filter(name="Zoja").update(vouched_at=None)
    assert list(vouching.whom_to_ask(kersti)) == [cast.piret]
    with pytest.raises(Denied):
        vouching.waiting(by=cast.liis)


def test_a_new_role_is_vouched_for_anew(cast: Cast, kersti: User) -> None:
    vouching.vouch(kersti.pk, by=cast.piret, code=vouching.code(kersti))
    users.change(kersti.pk, by=cast.mattias, name="Kersti K.", role="counsellor", is_active=True)
    kersti.refresh_from_db()
    assert access.trusted(kersti)  # a new name is not a new role

    users.change(kersti.pk, by=cast.mattias, name="Kersti", role="front_desk", is_active=True)
    kersti.refresh_from_db()
    assert not access.trusted(kersti)
    assert "user.unvouched" in trail(subject_id=kersti.pk, actor_id=cast.mattias.pk)


def test_whoever_sees_a_link_or_takes_a_factor_away_is_not_believed(
    cast: Cast, mari: Client, settings: Any
) -> None:
    """Without mail Mattias has Liis's link in hand: he could be her."""
    invitations.invite(cast.liis.pk, by=cast.mattias)
    cast.liis.refresh_from_db()
    assert not access.trusted(cast.liis)
    with pytest.raises(Conflict):
        vouching.vouch(cast.liis.pk, by=cast.mattias, code=vouching.code(cast.liis))

    # With mail the link is Mark's alone, and his app is still asked for.
    settings.PUBLIC_URL = "https://notes.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    invitations.invite(cast.mark.pk, by=cast.mattias)
    cast.mark.refresh_from_db()
    assert access.trusted(cast.mark)
    invitations.invite(cast.mark.pk, by=cast.mattias, forget_factors=True)
    cast.mark.refresh_from_db()
    assert not access.trusted(cast.mark)


def test_a_practice_begins_with_one_person(cast: Cast) -> None:
    new = Practice.objects.create(name="Uus", slug="uus")
    first = hired(cast.root, new, "practice_manager", "Anu")
    assert access.trusted(first)  # nobody else is there, and nobody has confided anything
    assert not access.trusted(hired(cast.root, new, "counsellor", "Peeter"))

    officer = hired(first, new, "privacy_officer", "Olev")
    assert access.trusted(officer)
    assert not access.trusted(hired(first, new, "counsellor", "Kadri"))


def test_once_there_is_a_client_it_takes_two(cast: Cast) -> None:
    """Also where the practice has nobody who could: then the server's own command line does."""
    olga = cast.olga
    assert olga.practice is not None
    clients.register(by=olga, identity={"full_name": "Somebody"})
    made = hired(cast.root, olga.practice, "practice_manager", "Tarmo")
    assert not access.trusted(made)
    assert not vouching.whom_to_ask(made).exists()

    call_command("vouch", made.email.upper())
    made.refresh_from_db()
    assert access.trusted(made)
    call_command("vouch", made.email)  # once more changes nothing
    assert trail(event="user.vouched", subject_id=made.pk) == ["user.vouched"]
    with pytest.raises(CommandError, match="no such login"):
        call_command("vouch", cast.root.email)


def test_who_is_not_vouched_for_is_nobodys_confidant(
    cast: Cast, kersti: User, mari: Client, released: SupervisionExcerpt
) -> None:
    with pytest.raises(Invalid):
        care.assign(mari.pk, kersti.pk, by=cast.mattias)
    with pytest.raises(Invalid):
        succession.name(kersti.pk, by=cast.liis)
    with pytest.raises(Invalid):
        succession.propose(by=cast.mattias, counsellor=cast.liis.pk, ground="left", to=kersti.pk)
    users.change(cast.sofia.pk, by=cast.mattias, name="Sofia", role="front_desk", is_active=True)
    users.change(cast.sofia.pk, by=cast.mattias, name="Sofia", role="supervisor", is_active=True)
    sofia = User.objects.get(pk=cast.sofia.pk)
    assert not supervision.supervisors(by=cast.liis).exists()
    with pytest.raises(Refused):
        supervision.read(released.pk, by=sofia)


def test_the_second_wall_asks_as_well(cast: Cast, mari: Client, note: SessionNote) -> None:
    with wall.nobody():
        wall.enter(cast.liis.pk)
        assert SessionNote.objects.exists()  # the control
    User.objects.filter(pk__in=[cast.liis.pk, cast.frida.pk]).update(vouched_at=None)
    for user in (cast.liis, cast.frida):
        with wall.nobody():
            wall.enter(user.pk)
            assert not Client.objects.exists()
            assert not SessionNote.objects.exists()


def test_a_phone_and_a_browser_end_with_it(
    cast: Cast, mari: Client, phone: Callable[[User], APIClient], desk: Callable[[User], Browser]
) -> None:
    """At the next request, whatever was open (C5)."""
    api, browser = phone(cast.liis), desk(cast.liis)
    assert api.get(f"/api/v1/clients/{mari.pk}").status_code == 200
    User.objects.filter(pk=cast.liis.pk).update(vouched_at=None)
    assert api.get(f"/api/v1/clients/{mari.pk}").status_code == 403
    assert browser.get(f"/admin/clients_app/client/{mari.pk}/change/").status_code == 403


def test_in_the_admin(cast: Cast, kersti: User, desk: Callable[[User], Browser]) -> None:
    """Kersti's first page shows the code and whom to tell; Piret's shows that she waits."""
    hers = desk(kersti).get("/admin/")
    assert vouching.code(kersti) in hers.text
    assert "Piret" in hers.text
    assert "Mattias" not in hers.text
    assert "Mari" not in hers.text

    office = desk(cast.piret)
    assert "wait for your word" in office.get("/admin/").text
    where = f"/admin/clients_app/user/{kersti.pk}/vouch/"
    assert "not the code" in office.post(where, {"code": "1234 5678"}).text
    assert office.post(where, {"code": vouching.code(kersti)}).status_code == 302
    assert vouching.code(kersti) not in desk(kersti).get("/admin/").text

    boss = desk(cast.mattias)
    assert "wait for your word" not in boss.get("/admin/").text
    new = {"name": "Uku", "email": "uku@kalda.example", "role": "counsellor"}
    assert "has to vouch for it" in boss.post("/admin/clients_app/user/add/", new).text


def test_in_the_api(cast: Cast, kersti: User, phone: Callable[[User], APIClient]) -> None:
    me = phone(kersti).get("/api/v1/me").json()
    assert me["permissions"] == []
    assert me["code"] == vouching.code(kersti)
    office = phone(cast.piret)
    where = f"/api/v1/users/{kersti.pk}"
    assert office.get(where).json()["vouched"] is False
    assert office.post(f"{where}/vouch", {"code": "1"}, format="json").status_code == 400
    assert office.post(f"{where}/vouch", {"code": me["code"]}, format="json").json()["vouched"]
    kersti.refresh_from_db()
    me = phone(kersti).get("/api/v1/me").json()
    assert me["code"] is None
    assert "note.write" in me["permissions"]


def test_nobody_vouches_across_practices(cast: Cast) -> None:
    with pytest.raises(Hidden):
        vouching.vouch(cast.olga.pk, by=cast.piret, code=vouching.code(cast.olga))


def test_the_superusers_login_does_not_become_a_confidants(
    cast: Cast, mari: Client, note: SessionNote
) -> None:
    """C4: whoever holds root's login for the admin tries everything that it offers."""
    root = cast.root
    browser = Browser()
    let_in(browser, root)

    def reads(user: User) -> bool:
        """Whether this login, in root's hands, is shown anything of Mari."""
        theirs = Browser()
        let_in(theirs, user)
        pages = ("", "clients_app/client/", f"clients_app/client/{mari.pk}/change/")
        return any("Maasikas" in theirs.get(f"/admin/{page}").text for page in pages)

    assert reads(cast.liis)  # the control
    made = [hired(root, cast.practice, role.value, f"Sock-{role}") for role in Role]
    for user in (cast.liis, cast.frida, cast.mattias, cast.piret):
        invitations.invite(user.pk, by=root, forget_factors=True)
    for user in (*made, *User.objects.filter(practice=cast.practice)):
        assert not reads(User.objects.get(pk=user.pk)), user.role
    for user in made:
        comes_in(user)
        for taken in (root, *made, cast.mattias, cast.piret):
            taken = User.objects.get(pk=taken.pk)
            with pytest.raises(Refused):
                vouching.vouch(user.pk, by=taken, code=vouching.code(user))
