"""Places in memory whose accesses are seen, whatever the speed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pagefault_lab.machine.events import Access, Kind, Reason


class Watch(NamedTuple):
    """Bytes from `start` up to `end` (not included), at linear or at physical addresses, and what of them is seen."""

    start: int
    end: int
    physical: bool
    reads: bool
    writes: bool

    def sees(self, access: Access, second: int) -> bool:
        """Whether it covers an access; `second` is the frame of the bytes behind a page's end."""
        if not (self.writes if access.kind is Kind.WRITE else self.reads):
            return False
        if not self.physical:
            return access.reason is not Reason.WALK and self._touches(access.linear, access.size)
        first = min(access.size, 4096 - (access.linear & 0xFFF))
        return self._touches(access.physical, first) or self._touches(second << 12, access.size - first)

    def _touches(self, address: int, size: int) -> bool:
        return size > 0 and address < self.end and self.start < address + size

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
        return any(watch.sees(access, second) for watch in self.all)
