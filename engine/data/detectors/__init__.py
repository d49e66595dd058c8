"""The leak detectors: one declared object each, gathered in the tuple of `engine.data.leaks`."""
