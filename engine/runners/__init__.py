"""Where trials run: this process, or a worker of its own."""
