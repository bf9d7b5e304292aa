"""Who: the people, the trust between them, and the custody of the file."""

from clients_app.models.break_glass import BreakGlass, Finding, Reason
from clients_app.models.care import CareAssignment
from clients_app.models.client import Category, Client, ClientKey, Kind, ServiceType
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
    Trigger,
)
from clients_app.models.row import Row, SealedRow
from clients_app.models.succession import Handover, HandoverItem, Successor
from clients_app.models.trail import AuditEvent, TrailSeal
from clients_app.models.user import User

__all__ = [
    "Agreement",
    "AuditEvent",
    "Bound",
    "BreakGlass",
    "CareAssignment",
    "Category",
    "Client",
    "ClientKey",
    "ClientTold",
    "ConfidentialityException",
    "ConfidentialityStatement",
    "DestructionRecord",
    "ErasureMark",
    "Finding",
    "Ground",
    "Handover",
    "HandoverItem",
    "How",
    "Invitation",
    "Kind",
    "KnownDevice",
    "Language",
    "LegalHold",
    "Login",
    "Practice",
    "PurgeItem",
    "PurgeRun",
    "Reason",
    "RecordClass",
    "RetentionRule",
    "Row",
    "SealedRow",
    "ServiceType",
    "Successor",
    "Told",
    "TrailSeal",
    "Trigger",
    "User",
]
