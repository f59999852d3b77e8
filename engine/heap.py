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

LARGEST_KEPT: Final = 2**31 - 1
"""Bytes of a tensor; what is larger is asked for anew."""


def keep_what_is_freed() -> None:
    """For a program that paints, before it starts a thread: the heap is to be one for all of them."""
    if libc := _glibc():
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        libc.mallopt(M_TRIM_THRESHOLD, LARGEST_KEPT)


def give_back() -> None:
    """To the system, what is free now."""
    if libc := _glibc():
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
