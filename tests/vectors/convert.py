"""Make this folder's vectors from the files in which they come: `python convert.py SOURCE [FAMILY ...]`.

A case is an initial state and its outcome on Bochs 2.7, for the semantics that need privilege. SOURCE holds a file
FAMILY.json.gz for each family. Nearly everything is the same in all cases of a family, so that a converted file,
FAMILY.json.xz, is one JSON object:

    common     what most cases share: `memory` (runs of [physical, hex]), `registers`, `expect`, `dump`, `ignore`
    cases      for each its `name` and `category`, and of the above what differs; in `memory` these are runs to put
               over the common ones, in `registers` and `expect` null takes a key away

`expect.changed` replaces the source's dumps: the runs of [physical, hex] inside `dump` that differ from the initial
memory. Bytes outside `dump` and inside `ignore` may be anything.

Two things that the source tells of the program that ran the cases, not of the processor, are put right: `widened` and
`with_what_was_read`.
"""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from collections import Counter
from pathlib import Path
from typing import Any

FAMILIES = ("paging", "segload", "seglimit", "intgates", "faults", "irets", "callgates")
GAP = 4  # runs that lie closer are stored as one

Json = dict[str, Any]
Image = dict[int, int]  # address to byte; what is missing is 0


def image_of(memory: list[list[Any]]) -> Image:
    """The bytes that a source's list of [address, hex or count of zeros] leaves, applied in order."""
    image: Image = {}
    for address, content in memory:
        data = bytes(content) if isinstance(content, int) else bytes.fromhex(content)
        image.update(enumerate(data, address))
    return {address: byte for address, byte in image.items() if byte}


def runs_of(differences: Image, image: Image) -> list[list[Any]]:
    """Addresses and their bytes as [address, hex] runs; small gaps are filled from the image."""
    runs: list[tuple[int, bytearray]] = []
    for address in sorted(differences):
        if runs and address - (runs[-1][0] + len(runs[-1][1])) < GAP:
            start, data = runs[-1]
            data.extend(image.get(place, 0) for place in range(start + len(data), address))
            data.append(differences[address])
        else:
            runs.append((address, bytearray((differences[address],))))
    return [[start, data.hex()] for start, data in runs]


def differences(image: Image, base: Image) -> Image:
    """The bytes of `image` that are others than in `base`."""
    return {
        address: image.get(address, 0)
        for address in image.keys() | base.keys()
        if image.get(address, 0) != base.get(address, 0)
    }


def most_common(values: list[Any]) -> Any:
    """The most frequent of JSON values."""
    return json.loads(Counter(json.dumps(value, sort_keys=True) for value in values).most_common(1)[0][0])


def shared(objects: list[Json]) -> Json:
    """Each key that most objects have, with its most frequent value."""
    keys = Counter(key for one in objects for key in one)
    return {
        key: most_common([one[key] for one in objects if key in one])
        for key, count in sorted(keys.items())
        if 2 * count > len(objects)
    }


def departures(one: Json, common: Json) -> Json:
    """What turns `common` into `one`; null takes a key away."""
    changed = {key: value for key, value in one.items() if key not in common or common[key] != value}
    return changed | {key: None for key in common if key not in one}


def widened(ignore: list[list[int]], expect: Json) -> list[list[int]]:
    """What not to compare, including all 16 bytes that the source's handlers pushed (the source says 12)."""
    h_esp = expect.get("h_esp", 0)
    return [[start - 4, length + 4] if start + length == h_esp else [start, length] for start, length in ignore]


def with_what_was_read(case: Json, image: Image) -> None:
    """Put what `seglimit`'s reads found into memory: earlier cases of the same run had written there.

    These cases are MOV $0x38,%ax; MOV %ax,%ds; MOV offset,%al or %eax; INT $0x40.
    """
    code = bytes(image.get(0x10000 + place, 0) for place in range(13))
    if case["category"] != "seglimit" or code[6] not in (0xA0, 0xA1) or case["expect"].get("vec") != 0x40:
        return
    descriptor = int.from_bytes(bytes(image.get(0x1038 + place, 0) for place in range(8)), "little")
    base = descriptor >> 16 & 0xFFFFFF | descriptor >> 32 & 0xFF000000
    linear = base + int.from_bytes(code[7:11], "little") & 0xFFFFFFFF  # which is the physical address, too
    found = case["expect"]["eax"].to_bytes(4, "little")[: 1 if code[6] == 0xA0 else 4]
    image.update({linear + place & 0xFFFFFFFF: byte for place, byte in enumerate(found)})


def convert(cases: list[Json]) -> Json:
    """The converted form of a family."""
    images = [image_of(case["memory"]) for case in cases]
    for case, image in zip(cases, images, strict=True):
        with_what_was_read(case, image)
        case["ignore"] = widened(case["ignore"], case["expect"])
    counts = Counter(item for image in images for item in image.items())
    base: Image = {}
    for (address, byte), count in counts.items():
        if 2 * count > len(cases):
            base[address] = byte
    for case, image in zip(cases, images, strict=True):
        after: Image = {}
        for (start, length), dumped in zip(case["dump"], case["expect"].get("mem", []), strict=True):
            data = bytes.fromhex(dumped)
            assert len(data) == length
            after.update(enumerate(data, start))
        changed = {address: byte for address, byte in after.items() if image.get(address, 0) != byte}
        case["expect"] = {key: value for key, value in case["expect"].items() if key != "mem"}
        case["expect"]["changed"] = runs_of(changed, after)
    parts = ("registers", "expect")
    common: Json = {part: shared([case[part] for case in cases]) for part in parts}
    common |= {part: most_common([case[part] for case in cases]) for part in ("dump", "ignore")}
    common["memory"] = runs_of(base, base)
    found = []
    for case, image in zip(cases, images, strict=True):
        small: Json = {"name": case["name"], "category": case["category"]}
        for part in parts:
            small[part] = departures(case[part], common[part])
        small |= {part: case[part] for part in ("dump", "ignore") if case[part] != common[part]}
        small["memory"] = runs_of(differences(image, base), image)
        found.append({key: value for key, value in small.items() if value or key in ("dump", "ignore")})
    return {"common": common, "cases": found}


def main(source: str, *families: str) -> None:
    here = Path(__file__).parent
    for family in families or FAMILIES:
        with gzip.open(Path(source) / f"{family}.json.gz", "rt") as file:
            cases = json.load(file)
        converted = convert(cases)
        target = here / f"{family}.json.xz"
        text = json.dumps(converted, separators=(",", ":"), sort_keys=True)
        target.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        print(f"{target.name}: {len(cases)} cases, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
