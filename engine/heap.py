"""The C library's heap, told to keep what one iteration frees for the next, and to give it all back after a painting.

Feature maps are large, and glibc asks the system for each large tensor anew and returns it at once. The system zeroes
every page of it, which took as long as painting itself at 4 megapixels with the embedded encoder (measured: 5.7 s an
iteration against 3.0 s). Where the C library is another one, nothing is changed.
"""

import ctypes
import platform
from functools import cache
from typing import Final

# From glibc's malloc.h.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8

KEPT: Final = 2**31 - 1
"""Bytes, up to which a tensor's memory is kept; what is larger is asked for anew."""
RETURNED: Final = 2**17
"""Bytes, from which memory goes back at once: glibc's own default, before it adapts."""

_is_one = False


def keep_what_is_freed() -> None:
    """For a program that paints, before it starts a thread: the heap is to be one for all of them."""
    global _is_one
    if libc := _glibc():
        libc.mallopt(M_ARENA_MAX, 1)
        _is_one = True
        tighten(at_once=False)


def tighten(*, at_once: bool) -> None:
    """Whether what is freed goes back at once, which costs time, or is kept, which costs what lies between the rest.

    Nothing is changed in a program that has not asked for `keep_what_is_freed`.
    """
    if (libc := _glibc()) and _is_one:
        largest = RETURNED if at_once else KEPT
        libc.mallopt(M_MMAP_THRESHOLD, largest)
        libc.mallopt(M_TRIM_THRESHOLD, largest)


def give_back() -> None:
    """To the system, what is free now."""
    if libc := _glibc():
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
