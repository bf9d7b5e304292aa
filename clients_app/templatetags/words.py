"""Words as they were written, and rules in words."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from clients_app import rules
from clients_app.models import RetentionRule

register = template.Library()


@register.filter
def as_written(text: str) -> SafeString:
    """The text, escaped, byte for byte where CSS keeps white space: a browser would turn a
    carriage return into a newline unless it is written as a reference."""
    escaped = escape(text).replace("\r", "&#13;")
    return mark_safe(escaped)  # noqa: S308 escaped in the line above


@register.filter
def said(rule: RetentionRule) -> str:
    """A rule of retention in words, without its source."""
    return rules.said(rule)
