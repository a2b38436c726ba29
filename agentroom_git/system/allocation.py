"""What the C library does with memory that was given back."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of glibc's malloc.h

KEPT_BYTES = 64 << 20
MAPPED_BYTES = 32 << 20
"""Larger blocks are still mapped one by one and given back at once; glibc accepts no more."""


def keep_freed_memory() -> bool:
    """Keep up to `KEPT_BYTES` of freed memory for what comes next; return whether this C library can.

    By default glibc hands an index or the lines of a diff back to the kernel at once, which has to clear each page anew
    for the next one. A process that lives long and reads many texts saves that; its largest moment stays as it was.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, KEPT_BYTES))
