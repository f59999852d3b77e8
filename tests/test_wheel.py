"""What is installed works outside the clone."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from pictures import a_painting, a_photo
from PIL import Image

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_installed_wheel_paints_outside_the_clone(tmp_path: Path) -> None:
    """Weights, presets, page and migrations are inside it; only the libraries are borrowed from this environment."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT],
        check=True,
        capture_output=True,
        timeout=200,
    )
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "home"
    venv.create(home, with_pip=False)
    site = next(home.glob("lib/python*/site-packages"))
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", site, wheel], check=True, timeout=200)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "borrowed.pth").write_text(libraries + "\n")
    Image.fromarray(a_photo()).save(tmp_path / "photo.png")
    Image.fromarray(a_painting()).save(tmp_path / "painting.png")

    script = (
        "import engine, bot.classics, bot.styles, bot.ledger, asyncio, engine.__main__ as cli\n"
        f"assert engine.__file__.startswith({str(home)!r}), engine.__file__\n"
        "assert len(bot.styles.Styles([bot.styles.bundled()]).search()) >= 3 and bot.styles.samples()\n"
        "assert len(bot.classics.read_list()) >= 12\n"
        "asyncio.run(bot.ledger.open_ledger('sqlite:///ledger.db'))\n"
        "raise SystemExit(cli.main('photo.png painting.png -o out.png --size 64 --quality draft'.split()))\n"
    )
    done = subprocess.run(
        [home / "bin" / "python", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )

    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "out.png") as painted:
        assert painted.size == (64, 48)
