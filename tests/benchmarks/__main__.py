"""Every benchmark here, one after another: `python -m tests.benchmarks`.  Status 1 when one is over a target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    over = []
    for file in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"== {file.stem}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{file.stem}"], check=False).returncode:
            over.append(file.stem)
        print(flush=True)
    print(f"Over a target, or failed: {', '.join(over)}." if over else "All are within their targets.")
    sys.exit(bool(over))
