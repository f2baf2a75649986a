"""Tests here use the judges of the neighbouring folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
