"""From bytes on disk to typed columns: reading, profiling, leaks, splits, rules."""
