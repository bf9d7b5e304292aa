"""Every column is an id, a date, a number, a sealed value – or text that may be read by a thief,
for a reason. Every relation to a client ends with the client or is kept for a reason. Whoever adds
a column or a table has to say here which it is.
"""

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import models
from django.db.models import CASCADE

from clients_app.fields import OpaqueField, SealedField
from clients_app.models import Client, SealedRow

OURS = [
    model
    for app in ("clients_app", "sessions_app")
    for model in apps.get_app_config(app).get_models()
]
MEASURES = (
    models.UUIDField,
    models.ForeignKey,
    models.DateField,
    models.DateTimeField,
    models.IntegerField,
    models.BooleanField,
)
# What a thief may read, and why it cannot be sealed or need not be.
OPEN_TEXT = {
    "Agreement.how": "a label",
    "AuditEvent.detail": "ids, labels and numbers; audit refuses anything else",
    "AuditEvent.door": "a label",
    "AuditEvent.event": "a label",
    "AuditEvent.reason": "a label",
    "AuditEvent.role": "a label",
    "BreakGlass.alerted_ids": "ids of colleagues",
    "BreakGlass.finding": "a label",
    "BreakGlass.reason_code": "a label",
    "BreakGlass.role": "a label",
    "Client.code": "what the client is called outside the file",
    "Client.jurisdiction": "retention rules are chosen by it",
    "Client.kind": "person, couple, family or group",
    "Client.service_type": "retention rules are chosen by it",
    "ClientKey.master_key": "a fingerprint",
    "ConfidentialityException.ground": "a label from a closed list",
    "ConfidentialityException.told": "a label",
    "ConfidentialityStatement.language": "not about a client",
    "ConfidentialityStatement.text": "the practice's promise to everybody, not about a client",
    "DestructionRecord.client_code": "the certificate has to name the file",
    "DestructionRecord.counts": "numbers by table",
    "DestructionRecord.head": "SHA-256 over ids, a code, dates and numbers",
    "DestructionRecord.key": "a fingerprint",
    "DestructionRecord.method": "a label",
    "DestructionRecord.previous": "SHA-256",
    "DestructionRecord.rule": "the rule's own words",
    "DestructionRecord.signature": "Ed25519",
    "DestructionRecord.verification": "a label",
    "ErasureMark.head": "SHA-256 over a line of ids, dates and certificates",
    "Handover.ground": "one of a closed list: no words about a colleague's health",
    "Handover.status": "a label",
    "HandoverItem.status": "a label",
    "Practice.jurisdiction": "not about a client",
    "Practice.name": "not about a client",
    "Practice.slug": "not about a client",
    "Practice.time_zone": "not about a client",
    "Invitation.digest": "SHA-256 of 256 random bits",
    "KnownDevice.digest": "SHA-256 of 256 random bits",
    "Login.device": "the user's own word for a device, shown in their list of logins",
    "Login.digest": "SHA-256 of at least 128 random bits",
    "ClockReading.boot": "the name of a machine's start",
    "ClockReading.counted": "seconds",
    "Heartbeat.name": "a label",
    "Login.kind": "a label",
    "ClientRequest.kind": "a label, such as access",
    "ClientRequest.outcome": "a label",
    "PurgeItem.blockers": "labels",
    "PurgeItem.client_code": "the privacy officer has to recognise the file",
    "PurgeItem.failure": "the type of an exception, never its text",
    "PurgeItem.rule": "the rule's own words",
    "PurgeItem.status": "a label",
    "Shortening.rule_ids": "ids of rules",
    "PurgeSnooze.reason": "a label",
    "PurgeRun.status": "a label",
    "RetentionRule.bound": "a label",
    "RetentionRule.category": "a label, not about a client",
    "RetentionRule.record_class": "a label, not about a client",
    "RetentionRule.jurisdiction": "not about a client",
    "RetentionRule.service_type": "not about a client",
    "RetentionRule.source": "a law or policy, not about a client",
    "RetentionRule.trigger": "a label",
    "Successor.status": "a label",
    "SupervisionExcerpt.consent_how": "a label",
    "TherapySession.modality": "the calendar needs it",
    "TherapySession.status": "the calendar needs it",
    "TrailSeal.head": "SHA-256",
    "TrailSeal.key": "a fingerprint",
    "TrailSeal.marks": "the first bytes of SHA-256 over lines that hold ids and labels",
    "TrailSeal.previous": "SHA-256",
    "TrailSeal.root": "SHA-256",
    "TrailSeal.signature": "Ed25519",
    "User.email": "staff, to log in",
    "User.name": "staff",
    "User.password": "a slow hash",
    "User.role": "a label",
    "User.introduced_by": "ids of staff",
}
# What names a client without belonging to the file, and outlives it.
OUTLIVES = {
    "AuditEvent": "who did what stays known; ids and labels only",
    "DestructionRecord": "the certificate; code, counts and dates",
    "PurgeItem": "what a run did to the file; code and dates",
}


def test_every_column_is_accounted_for() -> None:
    open_text = {
        f"{model.__name__}.{field.name}"
        for model in OURS
        for field in model._meta.concrete_fields
        if not isinstance(field, (*MEASURES, OpaqueField)) or isinstance(field, models.JSONField)
    }
    assert open_text == set(OPEN_TEXT)


def test_every_row_of_a_file_goes_with_its_client() -> None:
    """By CASCADE, so that a purge needs no list of tables that somebody forgets to extend."""
    relations = [
        field
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is Client
    ]
    assert len(relations) >= 7
    for field in relations:
        assert field.remote_field.on_delete is CASCADE, field
    names_a_client = {
        model.__name__
        for model in OURS
        for field in model._meta.concrete_fields
        if field.name == "client_id"
    }
    assert names_a_client == set(OUTLIVES)


def test_everything_with_sealed_columns_belongs_to_a_client() -> None:
    for model in apps.get_models():
        if any(isinstance(field, SealedField) for field in model._meta.concrete_fields):
            assert issubclass(model, SealedRow), model
            columns = {field.name: field for field in model._meta.concrete_fields}
            assert not columns["practice"].null
            if model is not Client:
                assert columns["client"].related_model is Client
                assert not columns["client"].null


def test_no_other_app_keeps_what_is_ours() -> None:
    """The tables of Django and of allauth hold no content; a new one has to be looked at. allauth's
    two tables of e-mails stay empty, and of a second factor it keeps a sealed secret, or the public
    half of a passkey and the name that its user gave it (`test_second_factor`)."""
    foreign = {m._meta.label for m in apps.get_models() if m not in OURS} - {
        m._meta.label for m in apps.get_app_config("stock").get_models()
    }
    assert foreign == {
        "account.EmailAddress",
        "account.EmailConfirmation",
        "mfa.Authenticator",
        "admin.LogEntry",
        "auth.Group",
        "auth.Permission",
        "contenttypes.ContentType",
        Session._meta.label,
    }
