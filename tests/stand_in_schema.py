"""Checks what is sent to the stand-in against Discord's OpenAPI document, where a copy lies beside the repo."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

OPENAPI = Path(__file__).parents[2] / "shared" / "discord-openapi.json"


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
    """The document wants `attachments[].id` as text; Discord takes the numbers that discord.py sends as well."""
    if not isinstance(body, dict):
        return body
    changed = {key: _with_text_ids(value) for key, value in body.items() if key != "attachments"}
    if "attachments" in body:
        changed["attachments"] = [{**attachment, "id": str(attachment["id"])} for attachment in body["attachments"]]
    return changed
