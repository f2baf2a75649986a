"""Where what can be made again is kept, and how to tell whether it is still what would be made."""

from __future__ import annotations

import os
import sys
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pagefault_lab import __version__

FORMAT: Final = 1  # of the files kept


@cache
def key(*folders: Path) -> str:
    """What such a file depends on: this program, its version, and every source in these folders, as they were when
    this process first asked: it goes on with those that it has imported."""
    digest = blake2b(f"{FORMAT} {__version__} {sys.version} {sys.byteorder}".encode(), digest_size=16)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".s", ".h"):
                status = path.stat()
                digest.update(f"{path.relative_to(folder)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def folder() -> Path | None:
    """The user's folder for it, which may not be there yet; None if there is none."""
    if os.path.isabs(os.environ.get("XDG_CACHE_HOME", "")):
        return Path(os.environ["XDG_CACHE_HOME"], "pagefault-lab")
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local, "pagefault-lab", "cache") if local else None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "pagefault-lab"
