"""The palette: every command that works on the screen it was opened from, with its key."""

from __future__ import annotations

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.system_commands import SystemCommandsProvider


class KeyCommands(Provider):
    """Made from the bindings, so that the palette teaches the keys; the framework's own commands come after them."""

    @property
    def _others(self) -> SystemCommandsProvider:
        return SystemCommandsProvider(self.screen, self.match_style)

    def _commands(self) -> list[tuple[str, str, str, object]]:
        found = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            moving = str(binding.id).partition(".")[0] in ("rows", "text", "None") and not binding.show
            if active.enabled and binding.description and not moving and binding.action != "command_palette":
                display = self.app.get_key_display(binding)
                words = active.tooltip or binding.tooltip or ""
                found.setdefault(binding.action, (binding.description, display, words, active.node))
        return [(f"{name}  ({key})", words, action, node) for action, (name, key, words, node) in found.items()]

    async def discover(self) -> Hits:
        for name, words, action, node in self._commands():
            yield DiscoveryHit(name, self._runner(action, node), help=words or None)
        async for hit in self._others.discover():
            yield hit

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, words, action, node in self._commands():
            if (score := max(matcher.match(name), matcher.match(words) * 0.8)) > 0:
                yield Hit(score, matcher.highlight(name), self._runner(action, node), help=words or None)
        async for hit in self._others.search(query):
            yield hit

    def _runner(self, action: str, node: object):  # noqa: ANN202 - a callback
        async def run() -> None:
            await self.app.run_action(action, default_namespace=node)  # type: ignore[arg-type]

        return run
