"""What is done now and then: who counts as dead, and who does not."""

import asyncio
from types import SimpleNamespace

import pytest

import bot.upkeep
from bot.jobs import LedgerUnusable
from bot.upkeep import Upkeep
from bot.wires import LocalWire

SILENCE_SECONDS = 10.0


class StillHeart:
    """A ledger with one worker whose heart stands still, and which is away when it is told so."""

    def __init__(self) -> None:
        self.is_away = False
        self.looks = 0
        self.buried: list[str] = []

    async def adopt(self) -> list[str]:
        self.looks += 1
        if self.is_away:
            raise LedgerUnusable("The database cannot be reached.")
        return []

    async def expire_overdue(self) -> list[str]:
        return []

    async def beats(self) -> dict[str, int | None]:
        return {} if self.buried else {"worker": 7}

    async def bury(self, worker: str, beats: int | None) -> list[str]:
        assert beats == 7
        self.buried.append(worker)
        return []

    async def looked_at(self) -> None:
        """Until upkeep has looked once more, from beginning to end."""
        looks = self.looks
        while self.looks < looks + 2:  # noqa: ASYNC110  # upkeep does not say that it looks
            await asyncio.sleep(0)


async def test_silence_while_the_ledger_was_away_is_not_held_against_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not beat, and need not be the first that comes back; a silence after that counts."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(bot.upkeep, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(bot.upkeep, "UPKEEP_SECONDS", 0)
    ledger = StillHeart()
    upkeep = asyncio.create_task(Upkeep(ledger, LocalWire(), SILENCE_SECONDS).run())  # type: ignore[arg-type]
    await ledger.looked_at()

    ledger.is_away = True
    await ledger.looked_at()
    clock.now += 2 * SILENCE_SECONDS
    ledger.is_away = False
    await ledger.looked_at()
    assert ledger.buried == []

    clock.now += SILENCE_SECONDS
    await ledger.looked_at()
    assert ledger.buried == ["worker"]
    upkeep.cancel()
