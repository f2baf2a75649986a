"""Physical memory: frames of 1,024 little-endian words, made when first used.

A frame is an array: a known word of it is read as fast as of a list, and the whole is copied and packed ten times as
fast. The arrays keep their identity for the life of the memory, so that the processor's fast paths may hold them.
Addresses beyond the memory read as ones and ignore writes, like a bus that nobody answers.
"""

from __future__ import annotations

from array import array
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

WORDS: Final = 1024
PAGE: Final = 4096
ZEROS: Final = bytes(PAGE)
MOST_PAGES: Final = 256  # whose experience is kept
MOST_DECODED: Final = 25_000  # instructions that are kept decoded: each takes a kilobyte, and time of the collector
if TYPE_CHECKING:
    Frame: TypeAlias = array[int]
else:
    Frame = array

Kept: TypeAlias = "bytes | None"  # what a frame held, as `keep` gives it; None: it was never used
PARTS: Final = 8  # of a frame, which are looked at together first
PIECES: Final = 8  # of a part
PIECE: Final = PAGE // PARTS // PIECES
NO_PART: Final = bytes(PAGE // PARTS)
NO_PIECE: Final = bytes(PIECE)
_PARTS_OF: Final = Struct(f"{PAGE // PARTS}s" * PARTS).unpack
_PIECES_OF: Final = Struct(f"{PIECE}s" * PIECES).unpack
_NUMBERS: Final = tuple(bytes((number,)) for number in range(PARTS * PIECES))


def words_at(offset: int, length: int) -> range:
    """The words of a frame in which these bytes lie."""
    return range(offset >> 2, (offset + length - 1 >> 2) + 1)


class Experience:
    """What is known of the code in a page: nothing that depends on the machine, or on what else is in its memory.

    `heat` counts arrivals at an EIP, `written` is what translation has written for one.
    """

    __slots__ = ("heat", "written")

    def __init__(self) -> None:
        self.heat: dict[int, int] = {}
        self.written: dict[Any, Any] = {}


@lru_cache(maxsize=MOST_PAGES)
def experience_with(contents: bytes) -> Experience:
    """What all machines together know of the code in a page with these contents."""
    return Experience()


class Code:
    """What has been decoded from a frame, and translated; a write to one of its words forgets all of it.

    `decoded` is by (offset in the frame, default size). `blocks` are by EIP, first the free ones, then those that keep
    a journal; `words` are the words of the frame that any of it came from. `experience` is shared with every machine
    that has such a page, up to the first write to the frame.
    """

    __slots__ = ("_shares", "blocks", "decoded", "experience", "words")

    def __init__(self, contents: bytes) -> None:
        self.decoded: dict[tuple[int, int], Any] = {}
        self.blocks: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        self.words: set[int] = set()
        self.experience = experience_with(contents)
        self._shares = True

    def keep(self, offset: int, default_size: int, instruction: Any, length: int) -> None:
        """Keep a decoded instruction that lies wholly in the frame."""
        self.decoded[offset, default_size] = instruction
        self.words.update(words_at(offset, length))

    def changed(self) -> None:
        """The frame is written to, or has been: its page is like no other from then on."""
        if self._shares:
            self._shares = False
            self.experience = Experience()

    def forget(self) -> None:
        """What was decoded has changed."""
        self.decoded.clear()
        self.words.clear()
        self.forget_blocks()
        self._shares = False
        self.experience = Experience()

    def forget_blocks(self) -> None:
        """Translate anew what is hot."""
        for blocks in self.blocks:
            blocks.clear()


def framed(data: bytes) -> Frame:
    """The frame that has these bytes."""
    return array("I", data)


NO_WORDS: Final = framed(ZEROS)


def pack(frame: Frame | None) -> bytes | None:
    """A frame as its bytes; None for one that was never used."""
    if frame is None:
        return None
    data = frame.tobytes()
    return ZEROS if data == ZEROS else data


def keep(frame: Frame | None) -> Kept:
    """What a frame holds, in few bytes: its pieces that are not all zeros, each behind its number.

    That is fast both ways: zlib takes several times as long. A frame that has something in more than half of its parts
    is kept whole.
    """
    if frame is None:
        return None
    data = frame.tobytes()
    parts = _PARTS_OF(data)
    if parts.count(NO_PART) < PARTS // 2:
        return data
    found: list[bytes] = []
    first = 0
    for part in parts:
        if part != NO_PART:
            for number, piece in enumerate(_PIECES_OF(part), first):
                if piece != NO_PIECE:
                    found += _NUMBERS[number], piece
        first += PIECES
    return b"".join(found)


def give_back(frame: Frame, kept: Kept | Frame) -> None:
    """Let a frame hold what was kept, or what another holds."""
    if not isinstance(kept, bytes):
        frame[:] = NO_WORDS if kept is None else kept
        return
    data = memoryview(frame).cast("B")
    if len(kept) == PAGE:
        data[:] = kept
        return
    frame[:] = NO_WORDS
    for start in range(0, len(kept), 1 + PIECE):
        place = PIECE * kept[start]
        data[place : place + PIECE] = kept[start + 1 : start + 1 + PIECE]


class Memory:
    """`size` bytes of RAM from physical address 0; `size` is a multiple of 4096.

    `saved`, when not None, takes what frames held at the last checkpoint as they first change. `leaving` is not empty
    when a translated block must not go on behind its present instruction.
    """

    def __init__(self, size: int) -> None:
        if size <= 0 or size % PAGE:
            raise ValueError("memory comes in pages of 4096 bytes")
        self.size = size
        self.frames: list[Frame | None] = [None] * (size // PAGE)
        self.code: dict[int, Code] = {}
        self.saved: dict[int, Kept] | None = None
        self.leaving: list[None] = []
        self._decoded = 0  # instructions that are kept, at most

    def frame(self, number: int) -> Frame:
        """The words of a frame, to read or, after `touch`, to write. Beyond the memory: a throw-away frame of ones."""
        if number >= len(self.frames):
            return framed(b"\xff" * PAGE)
        frame = self.frames[number]
        if frame is None:
            frame = self.frames[number] = framed(ZEROS)
        return frame

    def exists(self, number: int) -> bool:
        """Whether the frame is backed by RAM."""
        return number < len(self.frames)

    def touch(self, number: int) -> None:
        """Announce that a frame is about to change: keeps what the last checkpoint needs."""
        saved = self.saved
        if saved is not None and number not in saved and number < len(self.frames):
            saved[number] = keep(self.frames[number])

    def read(self, physical: int, size: int) -> int:
        """`size` bytes (1 to 4) that lie in one frame, as a little-endian number."""
        if physical >= self.size:
            return (1 << 8 * size) - 1
        frame = self.frames[physical >> 12]
        if frame is None:
            return 0
        index = physical >> 2 & 1023
        shift = (physical & 3) << 3
        value = frame[index] >> shift
        if shift + 8 * size > 32:
            value |= frame[index + 1] << 32 - shift
        return value & (1 << 8 * size) - 1

    def write(self, physical: int, size: int, value: int) -> None:
        """Store `size` bytes (1 to 4) that lie in one frame."""
        if physical >= self.size:
            return
        number = physical >> 12
        self.touch(number)
        frame = self.frame(number)
        index = physical >> 2 & 1023
        shift = (physical & 3) << 3
        mask = (1 << 8 * size) - 1 << shift
        bits = value << shift
        frame[index] = frame[index] & ~mask | bits & mask & 0xFFFF_FFFF
        crosses = shift + 8 * size > 32
        if crosses:
            frame[index + 1] = frame[index + 1] & ~(mask >> 32) | bits >> 32
        code = self.code.get(number)
        if code is not None:
            code.changed()
            if index in code.words or (crosses and index + 1 in code.words):
                self.forget_code(number)

    def code_of(self, number: int) -> Code:
        """What is decoded from a frame."""
        code = self.code.get(number)
        if code is None:
            code = self.code[number] = Code(pack(self.frame(number)) or ZEROS)
        return code

    def make_room_for_code(self) -> None:
        """One more instruction is about to be decoded: forget some pages of them if they are many."""
        self._decoded += 1
        if self._decoded > MOST_DECODED:
            self._decoded = sum(len(code.decoded) for code in self.code.values())
            for number in list(self.code):
                if self._decoded <= MOST_DECODED - MOST_DECODED // 8:
                    break
                code = self.code.pop(number)
                self._decoded -= len(code.decoded)
                self.code[number] = code  # the last one to be forgotten next time
                self.forget_code(number)

    def forget_code(self, number: int) -> None:
        """Forget what was decoded from a frame, if it has code; the running block may be of it."""
        code = self.code.get(number)
        if code is not None:
            code.forget()
            self.leaving.append(None)

    def read_bytes(self, physical: int, count: int) -> bytes:
        """`count` bytes from anywhere, as they lie."""
        return bytes(self.read(address, 1) for address in range(physical, physical + count))

    def write_bytes(self, physical: int, data: bytes) -> None:
        """Put bytes anywhere, as a loader would."""
        for address, byte in enumerate(data, physical):
            self.write(address, 1, byte)

    def put(self, number: int, kept: Kept | Frame) -> None:
        """Give a frame other contents: what was kept of it, or what another holds."""
        if kept is None and self.frames[number] is None:
            return
        frame = self.frame(number)
        code = self.code.get(number)
        if code is None:
            give_back(frame, kept)
            return
        before = frame[:]
        give_back(frame, kept)
        if frame != before:
            code.changed()
            if any(frame[index] != before[index] for index in code.words):
                self.forget_code(number)
