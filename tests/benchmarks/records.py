"""What was measured already: one JSON line a measurement, so that a benchmark that was stopped goes on where it was."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Key = Mapping[str, Any]  # Any: whatever JSON can hold
Found = dict[str, Any]


class Records:
    """A file of measurements by key.

    A line that was torn when the computer went down is passed over, so that what it held is measured again. Two
    programs may write to one file: every measurement is one write to its end.

    Args:
        path: made, with its folder, at the first measurement.
        fresh: forget what is in it.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        if fresh:
            path.unlink(missing_ok=True)
        text = path.read_text() if path.is_file() else ""
        self._found = dict(filter(None, map(_read, text.splitlines())))
        self._is_torn = not text.endswith("\n") and bool(text)

    def once(self, key: Key, measure: Callable[[], Found]) -> Found:
        """What is known under that key, or is measured and written down now."""
        name = _name(key)
        if name not in self._found:
            self._found[name] = measure()
            self._append(json.dumps({"key": key, "found": self._found[name]}))
        return self._found[name]

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write("\n" * self._is_torn + line + "\n")
        self._is_torn = False


def _name(key: Key) -> str:
    return json.dumps(key, sort_keys=True)


def _read(line: str) -> tuple[str, Found] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return _name(record["key"]), record["found"]
