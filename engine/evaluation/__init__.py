"""How good it is, and how sure that is: metrics, practice exams, comparisons, errors, speed."""
