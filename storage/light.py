"""sqlite-utils without pandas and numpy.

sqlite-utils imports both where they are installed, only to map their types to column types, which this program never
uses.  That costs 0.7 s and 60 MB in a process that only draws and records.  So the two are hidden while sqlite-utils
is imported: Python reads `None` in `sys.modules` as "not to be had", and sqlite-utils then does without, for good.
Modules that were imported before are left alone.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType

HIDDEN = ("pandas", "numpy")

_once = threading.Lock()


def sqlite_utils() -> ModuleType:
    """The module sqlite_utils, imported without what it does not need here."""
    with _once:
        if "sqlite_utils" in sys.modules:
            return sys.modules["sqlite_utils"]
        hidden = [name for name in HIDDEN if name not in sys.modules]
        blocked = dict.fromkeys(hidden)  # name -> None
        sys.modules.update(blocked)  # type: ignore[arg-type]
        try:
            import sqlite_utils as module
        finally:
            for name in hidden:
                if sys.modules.get(name, "") is None:
                    del sys.modules[name]
        return module
