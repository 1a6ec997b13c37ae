"""Every knob of the program in one place; each also by a LEUK_... environment variable."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from leuk_core import PROJECT_ROOT


class Settings(BaseSettings):
    """Settings with their defaults; `LEUK_MAX_MEGAPIXELS=100` overrides `max_megapixels`, and so on."""

    model_config = SettingsConfigDict(env_prefix="LEUK_")

    max_upload_mb: int = Field(default=200, ge=1, description="Largest picture file, in megabytes.")
    max_megapixels: float = Field(default=64.0, gt=0, description="Largest picture, in megapixels after decoding.")
    min_side: int = Field(default=16, ge=1, description="Shortest side, in pixels, that can hold a cell.")
    models_dir: Path = Field(default=PROJECT_ROOT / "models", description="Shipped model versions.")
    data_dir: Path = Field(default=PROJECT_ROOT / "data", description="What this installation writes and keeps.")
    cache_dir: Path = Field(default=PROJECT_ROOT / ".cache", description="What may be deleted at any time.")
    test_data: Path | None = Field(default=None, description="Folder of real cells for tests and demonstrations.")
    data_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Data sets may be opened below these, separated as in PATH; if none: home folder, test_data.",
    )
    max_loaded_models: int = Field(default=12, ge=1, description="Models held in memory at once.")

    @field_validator("data_roots", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        """Read folders as PATH holds them."""
        return tuple(filter(None, given.split(os.pathsep))) if isinstance(given, str) else given

    @property
    def readable_roots(self) -> tuple[Path, ...]:
        """Folders below which the pages may open data sets, resolved."""
        roots = self.data_roots or (Path.home(), *((self.test_data,) if self.test_data else ()))
        return tuple(root.expanduser().resolve() for root in roots)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings read from the environment (read once; `settings.cache_clear()` reads them anew)."""
    return Settings()
