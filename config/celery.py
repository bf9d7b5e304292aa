"""The worker and its clock. Messages are JSON, late-acknowledged, without results.

The schedule is code: a purge that the law asks for is not a row that somebody can untick.
"""

import logging
import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, setup_logging, worker_init
from celery.utils.log import get_multiprocessing_logger

from config.process import forbid_core_dumps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

app = Celery("usaldus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    task_time_limit=30 * 60,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=1,
    broker_transport_options={
        "visibility_timeout": 60 * 60,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
    },
    timezone="UTC",
    beat_schedule={
        "propose purges": {
            "task": "clients_app.tasks.propose_purges",
            "schedule": crontab(hour="2", minute="10"),
        },
        "execute approved purges": {
            "task": "clients_app.tasks.execute_purges",
            "schedule": 60.0,
            "options": {"expires": 55},
        },
        "move caseloads": {
            "task": "clients_app.tasks.move_caseloads",
            "schedule": 60.0,
            "options": {"expires": 55},
        },
        "tell of emergency accesses": {
            "task": "clients_app.tasks.tell_of_emergencies",
            "schedule": 60.0,
            "options": {"expires": 55},
        },
        "tell of purges": {
            "task": "clients_app.tasks.tell_of_purges",
            "schedule": 60.0,
            "options": {"expires": 55},
        },
        "seal the trail": {
            "task": "clients_app.tasks.seal_trail",
            "schedule": 10.0,
            "options": {"expires": 9},
        },
        "anchor the trail": {
            "task": "clients_app.tasks.anchor_trail",
            "schedule": crontab(minute="40"),
        },
        "verify the trail": {
            "task": "clients_app.tasks.verify_trail",
            "schedule": crontab(hour="4", minute="10"),
        },
        "forget expired logins": {
            "task": "clients_app.tasks.forget_logins",
            "schedule": crontab(hour="3", minute="10"),
        },
    },
)
app.autodiscover_tasks(["clients_app"])


@setup_logging.connect
def log_as_the_web_does(loglevel: int, **_kwargs: Any) -> None:
    """Django's handlers at the level that was asked for: Celery's own would write the text of
    exceptions."""
    logging.getLogger().setLevel(loglevel)
    if (pool := get_multiprocessing_logger()) is not None:
        pool.propagate = True


@worker_init.connect
@beat_init.connect
def refuse_when_unsafe(**_kwargs: Any) -> None:
    """The worker and beat start under the same conditions as the web."""
    from clients_app import checks

    forbid_core_dumps()
    checks.insist()
