"""Where this platform keeps what a program remembers for its user."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def state_path() -> Path:
    """Where the folder for what outlives a session is, or would be."""
    chosen = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(chosen):
        base = chosen
    elif sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = "~/Library/Application Support" if sys.platform == "darwin" else "~/.local/state"
    return Path(os.path.expanduser(base), "pagefault-lab")


def state_folder() -> Path | None:
    """That folder, made if it is missing; None if there can be none."""
    folder = state_path()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else None
