"""Who: the people, the trust between them, and the custody of the file."""

from clients_app.models.break_glass import BreakGlass, Finding, Reason
from clients_app.models.care import CareAssignment
from clients_app.models.client import Category, Client, ClientKey, Kind, ServiceType
from clients_app.models.client_request import Asked, ClientRequest, Outcome
from clients_app.models.heartbeat import ClockReading, Heartbeat
from clients_app.models.login import Invitation, KnownDevice, Login
from clients_app.models.practice import Practice
from clients_app.models.promises import (
    Agreement,
    ClientTold,
    ConfidentialityException,
    ConfidentialityStatement,
    Ground,
    How,
    Language,
    Told,
)
from clients_app.models.purge import DestructionRecord, ErasureMark, PurgeItem, PurgeRun
from clients_app.models.retention import (
    Bound,
    LegalHold,
    RecordClass,
    RetentionRule,
    Shortening,
    Trigger,
)
from clients_app.models.row import Row, SealedRow
from clients_app.models.snooze import PurgeNotice, PurgeSnooze
from clients_app.models.succession import Handover, HandoverItem, Successor
from clients_app.models.trail import AuditEvent, TrailSeal
from clients_app.models.user import User

__all__ = [
    "Agreement",
    "Asked",
    "AuditEvent",
    "Bound",
    "BreakGlass",
    "CareAssignment",
    "Category",
    "Client",
    "ClientKey",
    "ClientRequest",
    "ClientTold",
    "ClockReading",
    "ConfidentialityException",
    "ConfidentialityStatement",
    "DestructionRecord",
    "ErasureMark",
    "Finding",
    "Ground",
    "Handover",
    "HandoverItem",
    "Heartbeat",
    "How",
    "Invitation",
    "Kind",
    "KnownDevice",
    "Language",
    "LegalHold",
    "Login",
    "Outcome",
    "Practice",
    "PurgeItem",
    "PurgeNotice",
    "PurgeRun",
    "PurgeSnooze",
    "Reason",
    "RecordClass",
    "RetentionRule",
    "Row",
    "SealedRow",
    "ServiceType",
    "Shortening",
    "Successor",
    "Told",
    "TrailSeal",
    "Trigger",
    "User",
]
