"""Render the templates: Jinja2 with autoescape, one self-contained file per page.

A page loads nothing. Its Content-Security-Policy names its one style sheet and one script by their
SHA-256, so that nothing else in the page can run, whatever the data holds.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pages import formats

SCRIPTS = ("tablesort.js", "page.js")


@cache
def environment() -> Environment:
    """Return the Jinja environment of the pages' templates, with their filters."""
    found = Environment(
        loader=PackageLoader("pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        *(formats.money, formats.quantity, formats.price, formats.count, formats.unknown),
        *(formats.tier, formats.entry),
        *(formats.day, formats.last_day, formats.instant, formats.name, formats.words),
        *(formats.from_iso, formats.decimal, formats.period, formats.provider),
        *(formats.iso, formats.definition, formats.month_name, formats.plural, formats.exact),
    ):
        found.filters[function.__name__] = function
    found.globals |= {
        "page_style": _style("page.css"),
        "invoice_style": _style("invoice.css"),
        "script": _script(),
        "policy": _policy,
        "file_name": formats.file_name,
    }
    return found


def compile_templates() -> None:
    """Compile all templates. Otherwise, the first page that needs a template waits for it."""
    for name in environment().list_templates(extensions=["html"]):
        environment().get_template(name)


def render(template: str, **context: Any) -> str:
    """Render a template to a page. Blank lines and indentation are left out."""
    text = environment().get_template(template).render(**context)
    return "\n".join(line for line in map(str.strip, text.splitlines()) if line) + "\n"


def _asset(name: str) -> str:
    text = (files("pages") / "templates" / name).read_text(encoding="utf-8")
    # as render() leaves it, so that the browser hashes the same bytes
    return "\n" + "\n".join(line for line in map(str.strip, text.splitlines()) if line) + "\n"


def _style(name: str) -> Markup:
    return Markup(_asset(name))


def _script() -> Markup:
    return Markup("".join(_asset(name).rstrip("\n") for name in SCRIPTS) + "\n")


def _policy(style: str, script: str = "") -> str:
    """Return the Content-Security-Policy of a page with one style sheet and maybe a script."""
    sources = [
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        *([f"script-src '{_hash(script)}'"] if script else []),
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(sources)


def _hash(text: str) -> str:
    digest = hashlib.sha256(str(text).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
