"""Checks what is sent to the stand-in against Discord's OpenAPI document, where a copy lies beside the repo."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

OPENAPI = Path(__file__).parents[2] / "shared" / "discord-openapi.json"
LARGEST_PLAIN_NUMBER = 1 << 40
"""Whatever is larger is an id."""


@cache
def validator(method: str, path: str) -> Draft202012Validator | None:
    """For bodies sent to this route, or None where no document, or no such route in it, is at hand."""
    if not OPENAPI.is_file():
        return None
    document = _document()
    operation = document["paths"].get(path, {}).get(method.lower(), {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return body and Draft202012Validator({**body["schema"], "components": document["components"]})


def complaint(method: str, path: str, body: object) -> str | None:
    """What Discord's document has against this body; None if nothing."""
    checker = validator(method, path)
    if checker is None:
        return None
    error = next(iter(checker.iter_errors(_with_text_ids(body))), None)
    return error and f"{method} {path}: {error.message[:300]}"


@cache
def _document() -> Any:  # Any: a foreign JSON document
    return json.loads(OPENAPI.read_text())


def _with_text_ids(body: object) -> object:
    """The document wants ids as text; Discord takes the numbers that discord.py sends as well."""
    if isinstance(body, list):
        return [_with_text_ids(value) for value in body]
    if isinstance(body, dict):
        changed = {key: _with_text_ids(value) for key, value in body.items()}
        if "filename" in body:  # an attachment: its id counts the files of this request
            changed["id"] = str(body["id"])
        return changed
    return str(body) if isinstance(body, int) and body > LARGEST_PLAIN_NUMBER else body
