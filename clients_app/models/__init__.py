"""Who: the people, the trust between them, and the custody of the file."""

from clients_app.models.care import CareAssignment
from clients_app.models.client import Client, ClientKey, Kind, ServiceType
from clients_app.models.login import Invitation, KnownDevice, Login
from clients_app.models.practice import Practice
from clients_app.models.purge import DestructionRecord, PurgeItem, PurgeRun
from clients_app.models.retention import LegalHold, RetentionRule, Trigger
from clients_app.models.row import Row, SealedRow
from clients_app.models.trail import AuditEvent
from clients_app.models.user import User

__all__ = [
    "AuditEvent",
    "CareAssignment",
    "Client",
    "ClientKey",
    "DestructionRecord",
    "Invitation",
    "Kind",
    "KnownDevice",
    "LegalHold",
    "Login",
    "Practice",
    "PurgeItem",
    "PurgeRun",
    "RetentionRule",
    "Row",
    "SealedRow",
    "ServiceType",
    "Trigger",
    "User",
]
