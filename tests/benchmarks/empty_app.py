"""The framework's floor: a Textual app with one line, which counts keys."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    count = 0

    def compose(self) -> ComposeResult:
        yield Static("Ready 0")

    def on_key(self) -> None:
        self.count += 1
        self.query_one(Static).update(f"Ready {self.count}")


if __name__ == "__main__":
    Empty().run()
