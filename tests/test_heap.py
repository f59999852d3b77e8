"""Memory between iterations is kept, and given back when a painting is done."""

import platform
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only that heap needs to be told")


def test_what_is_freed_is_kept_until_it_is_given_back() -> None:
    """A thread's large array costs the system's time once, and a bot that waits holds nothing."""
    program = """
        from threading import Thread
        import numpy as np, psutil
        from engine import heap

        def paint():
            for _ in range(3):
                np.ones(200 * 2**20, np.uint8)

        def megabytes():
            return psutil.Process().memory_info().rss / 2**20

        heap.keep_what_is_freed()
        before = megabytes()
        thread = Thread(target=paint)
        thread.start()
        thread.join()
        kept = megabytes() - before
        heap.give_back()
        print(kept, megabytes() - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    kept, left = map(float, done.stdout.split())
    assert 190 < kept < 260
    assert left < 20


def test_a_heap_that_is_tightened_returns_at_once() -> None:
    """And keeps again when it is loosened: a scale of a painting has its own."""
    program = """
        import numpy as np, psutil
        from engine import heap

        def kept():
            before = psutil.Process().memory_info().rss
            np.ones(200 * 2**20, np.uint8)
            grown = psutil.Process().memory_info().rss - before
            heap.give_back()
            return grown / 2**20

        heap.keep_what_is_freed()
        heap.tighten(at_once=True)
        tight = kept()
        heap.tighten(at_once=False)
        print(tight, kept())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)

    tight, loose = map(float, done.stdout.split())
    assert tight < 20
    assert loose > 190
