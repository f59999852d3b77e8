"""The documents name what is there, and what is there is in the documents."""

import re
import tomllib
from pathlib import Path

import pytest

from engine.arguments import parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_dependency_earns_its_line_in_the_readme() -> None:
    """What it saves us, or it goes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[\[<>=]", dependency)[0] for dependency in project["dependencies"]]

    table = README.partition("## What we build on")[2].partition("## Limits")[0]

    assert [name for name in names if name not in table] == []


def test_torch_and_torchvision_are_pinned_together() -> None:
    """One without the other breaks the import of the second."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()

    assert sum(pin.startswith(("torch==", "torchvision==")) for pin in pins) == 2
    assert not any("/" in pin or "@" in pin for pin in pins)


def test_the_readmes_command_lines_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that was renamed would leave newcomers with an error."""
    lines = re.findall(r"^\.venv/bin/python -m engine (.+)$", README, flags=re.MULTILINE)
    assert len(lines) >= 3

    for line in lines:
        wishes = parser().parse_args(line.split())
        assert wishes.output == Path("out.png")


def test_every_file_that_the_documents_link_is_there() -> None:
    """No dead link in a fresh clone."""
    for document in (
        "README.md",
        "CONTRIBUTING.md",
        "engine/weights/README.md",
        *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")),
    ):
        text = (ROOT / document).read_text()
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert ((ROOT / document).parent / link).exists(), f"{document} links {link}"


def test_every_module_says_what_it_is_in_its_first_line() -> None:
    """A file has one job."""
    for path in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("engine/**/*.py"), *ROOT.glob("tests/**/*.py")]:
        first = path.read_text().partition("\n")[0]
        assert first.startswith('"""'), path
        assert len(first) > 20, path
