"""What the bot's messages say."""

import time
from collections.abc import Sequence

from bot.jobs import Job, Painting, Queued
from bot.preset_files import Texts

BAR_LENGTH = 12
READY_STEP_SECONDS = 5
MAX_ALT_TEXT = 1024
MAX_MESSAGE = 2000
CUT = "…"


def accepted(job: Job) -> str:
    """The first words about a new job."""
    return f"Accepted, to be painted in the style of {job.style_name}."


def progress(job: Job, news: Queued | Painting) -> str:
    """One line that is edited while the job waits and is painted."""
    if isinstance(news, Queued):
        place = "next in line" if news.position <= 1 else f"{ordinal(news.position)} in line"
        return f"Waiting to be painted in the style of {job.style_name}: {place}{ready(news.seconds_left)}."
    done = round(news.fraction * BAR_LENGTH)
    bar = "▰" * done + "▱" * (BAR_LENGTH - done)
    return f"Painting in the style of {job.style_name}\n{bar} {news.fraction:.0%}{ready(news.seconds_left)}"


def ready(seconds_left: float | None) -> str:
    """When the picture will be ready; Discord lets this count down by itself, so it needs no edit."""
    if seconds_left is None:
        return ""
    # A steady figure: an estimate that wavers by a second is no reason for an edit.
    ready_at = round((time.time() + seconds_left) / READY_STEP_SECONDS) * READY_STEP_SECONDS
    return f", ready <t:{ready_at}:R>"


def restarting(job: Job) -> str:
    """What stands in the place of progress while the bot is away."""
    return f"I am being restarted. Your picture in the style of {job.style_name} keeps its place and will be painted."


def delivery(job: Job) -> str:
    """What comes with the finished picture."""
    note = f"\n{job.note}" if job.note else ""
    return f"<@{job.owner.user_id}> Your picture in the style of {job.style_name} is ready.{note}"


def detour() -> str:
    """Why the picture comes by direct message."""
    return "I could not post it where you asked for it, so here it is."


def undeliverable() -> str:
    """What is left of the progress message when Discord took the picture nowhere."""
    return "The picture is finished, but Discord lets me post it neither here nor to you directly."


def delivered(job: Job, link: str) -> str:
    """What is left of the progress message."""
    took = f" in {duration(job.paint_seconds)}" if job.paint_seconds is not None else ""
    seen_by = f" with the {job.encoder} encoder" if job.encoder else ""
    return f"Painted{took}{seen_by}: {link}"


def forgotten(count: int) -> str:
    """What is left of a person's jobs when they asked for nothing to be."""
    what = f"I deleted what I kept of {count} job{'' if count == 1 else 's'} of yours." if count else "I keep nothing."
    return f"{what} Open jobs stay until you have their pictures; what was posted in channels is not mine to delete."


def preset(texts: Texts) -> str:
    """One line of a list to choose from."""
    return f"{texts.title}: {texts.description}" if texts.description else texts.title


def gallery(presets: Sequence[str]) -> str:
    """What stands above the pictures of all presets, each of them a line as far as Discord has room."""
    if not presets:
        return "There are no presets here; attach a style picture to /stylize instead."
    return _cut("\n".join(["Choose one as `preset` of /stylize:", *presets]), MAX_MESSAGE)


def gallery_alt_text(presets: Sequence[str]) -> str:
    """What a screen reader says about a picture of several presets; each gets the same share of the room."""
    room = MAX_ALT_TEXT // max(1, len(presets)) - 1
    return " ".join(_cut(preset, room) for preset in presets)


def alt_text(job: Job) -> str:
    """What a screen reader says about the finished picture."""
    content = str(job.address.detail.get("content_name") or "A picture")
    style = f" in the style of {job.style_name}"
    return content[: MAX_ALT_TEXT - len(style)] + style


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - len(CUT)] + CUT


def duration(seconds: float) -> str:
    """For people: 48 seconds, 3 minutes 5 seconds."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in ((minutes, "minute"), (rest, "second"))]
    return " ".join(parts if minutes else parts[1:])


def ordinal(number: int) -> str:
    """2nd, 3rd, 4th, …, 11th, …, 21st."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"
