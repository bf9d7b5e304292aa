"""manage.py retention: why a file is kept, and until when."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.formats import date_format

from clients_app import blockers, keeping, rules, wall
from clients_app.models import Practice


class Command(BaseCommand):
    """Shows dates and rules, no name and no birth date. The look is on the trail."""

    help = "Explain until when a client's file is kept, and by which rules."

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        explain = deeds.add_parser("explain", help="one file, by its code")
        explain.add_argument("code")
        explain.add_argument("--practice", required=True, metavar="SLUG")
        explain.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], default="en"
        )

    @wall.system("retention.explain")
    def handle(self, *_args: Any, code: str, practice: str, language: str, **_more: Any) -> None:
        where = Practice.objects.filter(slug=practice).first()
        if where is None:
            raise CommandError(f"There is no practice {practice}.")
        found = keeping.explain_to_operator(code, practice=where)
        if found is None:
            raise CommandError(f"The practice {practice} has no client {code}.")
        client, decision, standing = found
        said = [*decision.candidates, *decision.ceilings] if decision else []
        governing = [client.governing_rule_id] if client.governing_rule_id else []
        with translation.override(language):
            words = rules.in_words({*(c.rule_id for c in said), *governing})
            self.stdout.write(f"{client.code}: {rules.explained(client, decision, words)}")
            for sentence in blockers.sentences(standing):
                self.stdout.write(f"  {sentence}")
            for one in said:
                self.stdout.write(f"  {date_format(one.until)}  {words[one.rule_id]}")
