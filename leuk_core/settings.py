"""Every knob of the program in one place; each also by a LEUK_... environment variable."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from leuk_core import PROJECT_ROOT


class Settings(BaseSettings):
    """Settings with their defaults; `LEUK_MAX_MEGAPIXELS=100` overrides `max_megapixels`, and so on."""

    model_config = SettingsConfigDict(env_prefix="LEUK_")

    max_upload_mb: int = Field(default=200, ge=1, description="Largest picture file, in megabytes.")
    max_session_mb: int = Field(default=1000, ge=1, description="Most megabytes that one session may upload at a time.")
    max_uploads_mb: int = Field(
        default=4000, ge=1, description="Most megabytes of uploads that all sessions hold until they are read."
    )
    max_megapixels: float = Field(default=64.0, gt=0, description="Largest picture, in megapixels after decoding.")
    min_side: int = Field(default=16, ge=1, description="Shortest side, in pixels, that can hold a cell.")
    models_dir: Path = Field(default=PROJECT_ROOT / "models", description="Shipped model versions.")
    data_dir: Path = Field(default=PROJECT_ROOT / "data", description="What this installation writes and keeps.")
    cache_dir: Path = Field(default=PROJECT_ROOT / ".cache", description="What may be deleted at any time.")
    test_data: Path | None = Field(default=None, description="Folder of real cells for tests and demonstrations.")
    sample_cells: Path | None = Field(
        default=None, description="Folder of your own pictures that the pages offer as sample cells."
    )
    data_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Data sets may be opened below these, separated as in PATH; if none: home folder, test_data.",
    )
    max_set_files: int = Field(default=200_000, ge=1, description="Most files in an imported archive.")
    max_set_gb: float = Field(default=20.0, gt=0, description="Most gigabytes that an imported archive unpacks to.")
    max_zip_ratio: float = Field(
        default=100.0, ge=1, description="Most times its packed size that an imported archive unpacks to."
    )
    max_sets: int = Field(default=200, ge=1, description="Most imported sets that are kept at once.")
    max_queued_jobs: int = Field(default=30, ge=1, description="Most trainings of one person that wait or run at once.")
    max_loaded_models: int = Field(default=12, ge=1, description="Models held in memory at once.")
    database_url: SecretStr | None = Field(
        default=None, description="Database of jobs, as SQLAlchemy writes it; if none: leuk.sqlite in data_dir."
    )
    admins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="With a login: e-mail addresses of administrators, separated by commas."
    )
    trainers: Annotated[tuple[str, ...], NoDecode] = Field(default=(), description="Likewise of those who may train.")
    reviewers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Likewise of those who may review and sign cases; all others may look and export."
    )
    session_hours: float = Field(default=12.0, gt=0, description="With a login: hours after which it must be repeated.")
    dask_scheduler: str | None = Field(
        default=None, description="Address of a Dask cluster whose workers see the same folders; if none: this machine."
    )
    fhir_final: bool = Field(
        default=False, description="An administrator's word that FHIR reports of confirmed cases may say final."
    )
    job_grace_s: float = Field(default=60.0, gt=0, description="Seconds that a cancelled job has to end by itself.")
    job_silent_s: float = Field(default=15.0, ge=1, description="A worker not heard of for so many seconds is lost.")
    job_works: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Further kinds of jobs: kind=module:function, separated by commas."
    )

    @field_validator("data_roots", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        """Read folders as PATH holds them."""
        return tuple(filter(None, given.split(os.pathsep))) if isinstance(given, str) else given

    @field_validator("admins", "trainers", "reviewers", mode="before")
    @classmethod
    def _addresses(cls, given: object) -> object:
        """Read e-mail addresses, which are compared in lower case."""
        if not isinstance(given, str):
            return given
        return tuple(filter(None, (address.strip().lower() for address in given.split(","))))

    @field_validator("job_works", mode="before")
    @classmethod
    def _pairs(cls, given: object) -> object:
        """Read `kind=module:function,kind=module:function`."""
        if not isinstance(given, str):
            return given
        pairs = [pair.strip() for pair in given.split(",") if pair.strip()]
        if unfit := [pair for pair in pairs if not re.fullmatch(r"[\w-]+=[\w.]+:\w+", pair)]:
            raise ValueError(f"each must be kind=module:function. Received: {unfit[0]}")
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def readable_roots(self) -> tuple[Path, ...]:
        """Folders below which the pages may open data sets, resolved."""
        roots = self.data_roots or (Path.home(), *((self.test_data,) if self.test_data else ()))
        return tuple(root.expanduser().resolve() for root in roots)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings read from the environment (read once; `settings.cache_clear()` reads them anew)."""
    return Settings()
