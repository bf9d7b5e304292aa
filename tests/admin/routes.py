"""The admin's routes, and who gets in at each."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.urls import URLPattern, URLResolver, get_resolver, reverse

ROLES = ("liis", "mark", "sofia", "frida", "mattias", "piret", "olga", "root")


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every named route of the admin's URL conf."""

    def walk(patterns: list[Any]) -> Iterator[URLPattern]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern

    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and resolver.app_name == "admin":
            for pattern in walk(resolver.url_patterns):
                if pattern.name:
                    yield pattern.name, pattern


# What a GET gives: 200 where the role has the page, 403 where it never has, 404 where it is not
# theirs. One letter a person, in the order of ROLES: y(es), n(o: 403), h(idden: 404).
# The objects are Mari's (Liis's client) and those of her practice.
EXPECTED = {
    "index": "yyyyyyyy",
    "password_change": "yyyyyyyy",
    "alive": "yyyyyyyy",
    "confirm": "yyyyyyyy",
    "own": "yyyyyyyy",
    "own_add_factor": "yyyyyyyy",
    "clients_app_client_changelist": "yynyyyyn",
    "clients_app_client_add": "yynyynyn",
    "clients_app_client_change": "yhnyyyhn",
    "clients_app_client_identity": "yhnyynhn",
    "clients_app_client_discharge": "yhnnynhn",
    "clients_app_client_reopen": "yhnnynhn",
    "clients_app_client_hand_over": "yhnnnnhn",
    "clients_app_client_snooze": "yhnnnnhn",
    "clients_app_client_care": "yhnyyyhn",
    "clients_app_client_trail": "yhnnnyhn",
    "clients_app_client_trail_print": "yhnnnyhn",
    "clients_app_client_undated": "yynnyyyn",
    "clients_app_user_changelist": "nnnnyyny",
    "clients_app_user_add": "nnnnynny",
    "clients_app_user_change": "nnnnyyny",
    "clients_app_user_invite": "nnnnynny",
    "clients_app_user_vouch": "nnnnyynn",
    "clients_app_practice_changelist": "nnnnnnny",
    "clients_app_practice_add": "nnnnnnny",
    "clients_app_practice_change": "nnnnnnny",
    "clients_app_retentionrule_changelist": "nnnnyynn",
    "clients_app_retentionrule_add": "nnnnnynn",
    "clients_app_retentionrule_change": "nnnnyynn",
    "clients_app_retentionrule_retire": "nnnnnynn",
    "clients_app_shortening_changelist": "nnnnyynn",
    "clients_app_shortening_confirm": "nnnnyynn",
    "clients_app_retentionrule_presets": "nnnnyynn",
    "clients_app_legalhold_changelist": "nnnnnynn",
    "clients_app_legalhold_add": "nnnnnynn",
    "clients_app_legalhold_change": "nnnnnynn",
    "clients_app_clientrequest_changelist": "nnnnnynn",
    "clients_app_clientrequest_add": "yynyyyyn",
    "clients_app_clientrequest_change": "nnnnnynn",
    "clients_app_breakglass_changelist": "yyynnyyn",
    "clients_app_breakglass_add": "yyynnnyn",
    "clients_app_breakglass_change": "yyhnnyhn",
    "clients_app_purgerun_changelist": "nnnnyynn",
    "clients_app_purgerun_kept": "nnnnyynn",
    "clients_app_purgerun_change": "nnnnyynn",
    "clients_app_purgerun_progress": "nnnnyynn",
    "clients_app_purgerun_second": "nnnnyynn",
    "clients_app_purgerun_approve": "nnnnyynn",
    "clients_app_destructionrecord_changelist": "nnnnyynn",
    "clients_app_destructionrecord_export": "nnnnyynn",
    "clients_app_successor_changelist": "yynnnnyn",
    "clients_app_successor_add": "yynnnnyn",
    "clients_app_successor_hand_over": "yynnnnyn",
    "clients_app_handover_changelist": "nnnnyynn",
    "clients_app_handover_add": "nnnnynnn",
    "clients_app_handover_change": "nnnnyynn",
    "clients_app_handover_progress": "nnnnyynn",
    "clients_app_auditevent_changelist": "yynnnyyn",
    "clients_app_confidentialitystatement_changelist": "yynyyyyn",
    "clients_app_confidentialitystatement_add": "nnnnyynn",
    "clients_app_confidentialitystatement_change": "yynyyyhn",
    "clients_app_confidentialitystatement_publish": "nnnnyynn",
    "clients_app_confidentialityexception_changelist": "yynnnyyn",
    "clients_app_confidentialityexception_change": "yhnnnyhn",
    "clients_app_confidentialityexception_client_told": "yhnnnnhn",
    "sessions_app_supervisionexcerpt_changelist": "nnynnnnn",
    "sessions_app_supervisionexcerpt_change": "yhynnnhn",
    "sessions_app_therapysession_changelist": "yynyynyn",
    "sessions_app_therapysession_add": "yynyynyn",
    "sessions_app_therapysession_change": "yhnyynhn",
    "sessions_app_therapysession_move": "yhnyynhn",
    "sessions_app_sessionnote_changelist": "yynnnnyn",
    "sessions_app_sessionnote_add": "yynnnnyn",
    "sessions_app_sessionnote_change": "yhnnnnhn",
    "sessions_app_sessionnote_addendum": "yhnnnnhn",
    "sessions_app_sessionnote_sign": "yhnnnnhn",
    "sessions_app_disclosure_changelist": "yynnnnyn",
    "sessions_app_disclosure_add": "yynnnnyn",
    "sessions_app_disclosure_change": "yhnnnnhn",
    "sessions_app_disclosure_amend": "yhnnnnhn",
    # Begun from the client's page, the note or the disclosure, which the address names.
    "clients_app_agreement_add": "hhnhnnhn",
    "clients_app_confidentialityexception_add": "hhnnnnhn",
    "sessions_app_supervisionexcerpt_add": "hhnnnnhn",
    # Agreements stand on their client's page.
    "clients_app_agreement_changelist": "hhhhhhhh",
    "clients_app_agreement_change": "hhhhhhhh",
    # Nobody makes these by hand, and a line or a certificate of nothing opens to nobody.
    "clients_app_purgerun_add": "hhhhhhhh",
    "clients_app_shortening_add": "hhhhhhhh",
    "clients_app_shortening_change": "hhhhhhhh",
    "clients_app_successor_change": "hhhhhhhh",
    # Of a handover that never was.
    "clients_app_successor_handover": "hhnnnnhn",
    "clients_app_successor_progress": "hhnnnnhn",
    "clients_app_destructionrecord_add": "hhhhhhhh",
    "clients_app_auditevent_add": "hhhhhhhh",
    "clients_app_auditevent_change": "hhhhhhhh",
    "clients_app_destructionrecord_change": "nnnnhhnn",
    "clients_app_destructionrecord_pdf": "nnnnhhnn",
    # Of nobody's login.
    "own_rename": "hhhhhhhh",
}
# Not pages of one's own: they redirect, or stand before the login.
BESIDES = {
    "login",
    "login_second_factor",
    "login_set_up",
    "login_forgotten",
    "invitation",
    "invited",
    "logout",
    "set_language",
    "app_list",
}
# Deeds by POST: who may, in the same letters; y is a redirect.
DEEDS = {
    # Mark's; Liis is in care of the client and sees it, Piret reviews it.
    "clients_app_breakglass_give_back": "nyhnnyhn",
    "clients_app_client_end_care": "nnnnhnnn",
    "clients_app_agreement_withdraw": "yhnynnhn",
    "sessions_app_supervisionexcerpt_revoke": "yhnnnnhn",
    "clients_app_user_log_out": "nnnnynny",
    # What is not one's own is not there.
    "own_remove": "hhhhhhhh",
    "own_renew_codes": "yyyyyyyy",
    "own_close": "hhhhhhhh",
    "own_close_others": "yyyyyyyy",
    "clients_app_shortening_propose": "nnnnnynn",
    "clients_app_shortening_withdraw": "nnnnnynn",
    "clients_app_retentionrule_adopt": "nnnnnynn",
    "clients_app_legalhold_lift": "nnnnnynn",
    # Liis takes back that she named Mark, before he answers.
    "clients_app_successor_accept": "hhnnnnhn",
    "clients_app_successor_decline": "hhnnnnhn",
    "clients_app_successor_withdraw": "yhnnnnhn",
    "clients_app_successor_continue": "hhnnnnhn",
    "clients_app_handover_approve": "nnnnnynn",
    "clients_app_handover_refuse": "nnnnnynn",
    "clients_app_purgerun_propose": "nnnnnynn",
    "clients_app_purgerun_stop": "nnnnyynn",
    "clients_app_purgerun_refuse": "nnnnnynn",
    # Of a file that is in no run.
    "clients_app_purgerun_take_out": "nnnnnhnn",
    "sessions_app_therapysession_hold": "yhnyynhn",
    "sessions_app_therapysession_cancel": "yhnyynhn",
    "sessions_app_therapysession_no_show": "yhnyynhn",
}


# What is no id in an address.
FIXED = {"factor_id": 0, "name": "us-az"}


def address(name: str, pattern: URLPattern, things: dict[str, UUID]) -> str:
    kwargs: dict[str, Any] = {
        key: things[name.split("_")[2]] if key == "object_id" else uuid4()
        for key in pattern.pattern.converters
    }
    kwargs |= {key: FIXED[key] for key in kwargs.keys() & FIXED.keys()}
    return reverse(f"admin:{name}", kwargs=kwargs)
