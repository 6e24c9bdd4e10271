"""Search a user's own conf/ (in the current folder) before ours."""

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class ForecastleSearchPath(SearchPathPlugin):
    """Acts only where Hydra runs on Forecastle's conf/; other Hydra programs are left alone."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Prepend ``./conf`` where it is another folder than ours."""
        from forecastle.config.compose import conf_folder

        ours = conf_folder().resolve()
        mine = Path("conf").resolve()
        paths = [element.path for element in search_path.get_path() if element.path]
        if any(_folder(path) == ours for path in paths) and mine != ours and mine.is_dir():
            search_path.prepend("project", f"file://{mine}")


def _folder(path: str) -> Path | None:
    """The folder of a ``file://`` entry or plain path."""
    plain = path.removeprefix("file://")
    return Path(plain).resolve() if plain.startswith("/") else None
