"""The session as plain code: what its script and its notebook are put together from.

A new model is named in `estimators`, and nowhere else; what it needs beside scikit-learn is taken over by `borrowed`.
"""
