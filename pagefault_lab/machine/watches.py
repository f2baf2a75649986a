"""Places in memory whose accesses are seen, whatever the speed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pagefault_lab.machine.events import Access, Kind


class Watch(NamedTuple):
    """Bytes from `start` up to `end` (not included), at linear or at physical addresses, and what of them is seen."""

    start: int
    end: int
    physical: bool
    reads: bool
    writes: bool

    def covers(self, address: int, size: int, kind: Kind) -> bool:
        """Whether an access to `size` bytes from such an address is seen."""
        wanted = self.writes if kind is Kind.WRITE else self.reads
        return wanted and address < self.end and self.start < address + size

    @property
    def pages(self) -> range:
        """The pages, or frames, that it lies in."""
        return range(self.start >> 12, (self.end - 1 >> 12) + 1)


class Watches:
    """All watches of a processor. `pages` and `frames` are those that its fast paths must leave out."""

    def __init__(self, watches: Iterable[Watch] = ()) -> None:
        self.all: Final = tuple(watches)
        self.pages: Final = {page for watch in self.all if not watch.physical for page in watch.pages}
        self.frames: Final = {frame for watch in self.all if watch.physical for frame in watch.pages}

    def __bool__(self) -> bool:
        return bool(self.all)

    def see(self, access: Access, second: int) -> bool:
        """Whether one of them covers an access; `second` is the frame of the bytes behind a page's end."""
        first = min(access.size, 4096 - (access.linear & 0xFFF))
        for watch in self.all:
            if not watch.physical:
                if watch.covers(access.linear, access.size, access.kind):
                    return True
            elif watch.covers(access.physical, first, access.kind) or (
                first < access.size and watch.covers(second << 12, access.size - first, access.kind)
            ):
                return True
        return False
