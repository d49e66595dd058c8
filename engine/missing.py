"""Which cells are empty without asking anybody.  Light."""

# In any column and in any case, after stripping.  (Decision catalogue, data.missing_marks.)
ALWAYS_MISSING = ("", "na", "n/a", "nan", "null", "none", "nil")
