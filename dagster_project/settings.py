"""Settings: the only reader of the environment.

Belongs here: every `VITALGRAPH_…` name with its type, bounds, default and meaning. An unknown name is an
error, because a misspelt setting that is silently ignored is found at three in the morning.
Does not belong here: anything computed from other things than settings.
"""

import logging
import os
import re
import secrets
from datetime import date
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dagster_project.key_files import ensure
from vitals.errors import PermanentError
from vitals.training.prompts import CHARACTERS_PER_TOKEN, LEAST_CHARACTERS, TOKEN_BUDGET
from vitals.training.tasks.mix import TaskMix, read_mix

PREFIX = "VITALGRAPH_"
LEAST_KEY_BYTES = 16

log = logging.getLogger(__name__)


class Settings(BaseSettings):
    """Everything that can be configured, with the prefix `VITALGRAPH_` in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(Path(".vitalgraph"), description="Folder for all local state: lake, catalog, Dagster, logs.")
    lake: str | None = Field(
        None, description="Root URL of the default tenant's lake, `file://…` or `s3://…`; default `file://$HOME/lake`."
    )
    catalog: str | None = Field(
        None, description="SQLAlchemy URL of the catalog; default the SQLite file `$HOME/catalog.db`."
    )
    s3_endpoint_url: str | None = Field(None, description="Endpoint of an S3-protocol server other than AWS.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str | None = Field(None, description="Access key; default the AWS credential chain.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret key; default the AWS credential chain.")
    subject_key: SecretStr | None = Field(
        None, description="Secret from which pseudonyms are made; default generated once under `$HOME`."
    )
    subject_key_file: Path | None = Field(None, description="File that holds the subject key.")
    quality_threshold: float = Field(0.7, ge=0, le=1, description="A file that scores less is quarantined whole.")
    max_file_size_mb: float = Field(100, gt=0, description="A larger upload is quarantined as `too_large`.")
    max_records_per_file: int = Field(100_000, gt=0, description="More records: `too_many_records`.")
    max_decompressed_mb: float = Field(128, gt=0, description="A file may inflate to this: `decompression_limit`.")
    batch_mb: float = Field(64, gt=0, description="Bytes of Avro decoded at once; bounds the memory of a run.")
    fetch_concurrency: int = Field(16, ge=1, le=64, description="Objects fetched at the same time.")
    max_attempts: int = Field(5, ge=1, description="Attempts at an upload before it is given up as `failed`.")
    processing_timeout_seconds: int = Field(300, gt=0, description="Time limit of one run of a landing partition.")
    sensor_interval_seconds: int = Field(30, ge=1, description="Seconds between two looks at what landed.")
    sensor_look_back_days: int = Field(3, ge=1, description="Landing days looked at in every tick.")
    sensor_sweep_minutes: int = Field(60, ge=1, description="Minutes between two full sweeps of all landing days.")
    sensor_time_budget_seconds: float = Field(20, gt=0, description="A tick stops listing after this and resumes.")
    sensor_max_requests: int = Field(25, ge=1, description="Runs requested in one tick at most.")
    table_history_days: int = Field(7, ge=1, description="Days for which a replaced version of a table is kept.")
    api_requests_per_minute: int = Field(600, ge=1, description="Requests that one key of the API has per minute.")
    api_requests_at_once: int = Field(8, ge=1, le=100, description="Requests of one key that are served at a time.")
    desk_session_hours: float = Field(12, gt=0, le=168, description="A session at the review desk ends after this.")
    desk_idle_minutes: float = Field(60, gt=0, le=1440, description="… or after nothing was asked for so long.")
    allowed_hosts: str = Field(
        "",
        description="Names, separated by commas, by which API, desk and Dagster UI may be asked besides those of "
        "loopback; `*.example.org` for all below it, `*` for any.",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="Addresses or networks, separated by commas, of the proxies whose `X-Forwarded-Proto` and "
        "`X-Forwarded-For` are believed; `*` believes everybody.",
    )
    first_day: str = Field(
        "2020-01-01", pattern=r"^\d{4}-\d{2}-\d{2}$", description="First partition of both day axes."
    )
    task_mix: str = Field(
        "",
        description="Lines of each task per person's day and kind, as `question=2,preference=0.5` or a JSON object; "
        "tasks not named keep their default: `daily_summary` 1, `question` 2, `data_quality` 0.25, "
        "`abstention` 0.5, `preference` 0.5.",
    )
    prompt_token_budget: int = Field(
        TOKEN_BUDGET,
        ge=1,
        description="Tokens the data of a prompt may take; what does not fit is left out by rule and named.",
    )
    characters_per_token: float = Field(
        CHARACTERS_PER_TOKEN,
        ge=1,
        le=8,
        description="Characters that one token is taken to have, for the budget and for the lengths of a release.",
    )
    tokenizer_file: Path | None = Field(
        None,
        description="A `tokenizer.json` of Hugging Face's tokenizers that counts tokens instead; needs "
        "`vitalgraph[tokenizer]`.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="Least level that runs in the command's own process print."
    )

    @field_validator("first_day")
    @classmethod
    def _is_in_the_calendar(cls, text: str) -> str:
        date.fromisoformat(text)
        return text

    @model_validator(mode="after")
    def _leaves_room_for_a_prompt(self) -> "Settings":
        if (
            self.tokenizer_file is None
            and (room := self.prompt_token_budget * self.characters_per_token) < LEAST_CHARACTERS
        ):
            raise ValueError(
                f"prompt_token_budget times characters_per_token is {room:g} characters, and the shortest data of a "
                f"prompt need {LEAST_CHARACTERS}"
            )
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _are_addresses(cls, text: str) -> str:
        for one in _listed(text):
            if one != "*":
                ip_network(one, strict=False)
        return text

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, text: str) -> str:
        for one in _listed(text):
            if re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", one) is None:
                raise ValueError("a name without scheme, port and path is needed")
        return text

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names by which the servers may be asked, besides those of loopback."""
        return _listed(self.allowed_hosts)

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses and networks of trusted proxies."""
        return _listed(self.trusted_proxies)

    @property
    def first_date(self) -> date:
        """First partition of both day axes."""
        return date.fromisoformat(self.first_day)

    @cached_property
    def mix_of_tasks(self) -> TaskMix:
        """Lines of each task per person's day and kind.

        Raises:
            PermanentError: a task does not exist, or a count is out of bounds.
        """
        return read_mix(self.task_mix)

    @cached_property
    def home_path(self) -> Path:
        """Absolute home folder."""
        return self.home.expanduser().absolute()

    @property
    def lake_url(self) -> str:
        """Root URL of the default tenant's lake."""
        return self.lake or (self.home_path / "lake").as_uri()

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy URL of the catalog."""
        return self.catalog or f"sqlite:///{self.home_path / 'catalog.db'}"

    @property
    def subject_key_path(self) -> Path:
        """File of the subject key, where it is not given in the environment."""
        return self.subject_key_file or self.home_path / "subject.key"

    def read_subject_key(self) -> bytes | None:
        """The secret of the pseudonyms; None if none is configured and none lies under the home.

        Raises:
            PermanentError: a configured key is empty, its file is missing or holds a key too short to protect anybody.
        """
        if self.subject_key is not None:
            return _given(self.subject_key.get_secret_value().encode())
        path = self.subject_key_path
        setting = "VITALGRAPH_SUBJECT_KEY_FILE" if self.subject_key_file is not None else str(path)
        try:
            key = path.read_text().strip().encode()
        except FileNotFoundError as error:
            if self.subject_key_file is None:
                return None
            raise _unreadable_key(setting, error) from None
        except (OSError, ValueError) as error:
            raise _unreadable_key(setting, error) from None
        return _long_enough(key, setting)

    def make_subject_key(self) -> bytes:
        """The key of an installation that begins, made under the home; one that lies there is kept."""
        ensure(self.subject_key_path, lambda: secrets.token_hex(32))
        key = self.read_subject_key()
        assert key is not None
        return key


def _unreadable_key(setting: str, error: Exception) -> PermanentError:
    why = getattr(error, "strerror", None) or "it is no text"
    return PermanentError("read the subject key", setting, why, "Restore the file.")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _given(key: bytes) -> bytes:
    """A key out of the environment; a short one does for a trial, and its user is told what it is worth."""
    if not key:
        return _long_enough(key, "VITALGRAPH_SUBJECT_KEY")
    if len(key) < LEAST_KEY_BYTES:
        log.warning(
            "VITALGRAPH_SUBJECT_KEY has fewer than %s characters: whoever guesses it knows who the pseudonyms are. "
            "Do not use it for real people.",
            LEAST_KEY_BYTES,
        )
    return key


def _long_enough(key: bytes, setting: str) -> bytes:
    if len(key) < LEAST_KEY_BYTES:
        raise PermanentError(
            "use the subject key",
            setting,
            f"it has fewer than {LEAST_KEY_BYTES} characters",
            "Choose random ones, at least so many; changing them later changes every pseudonym.",
        )
    return key


def load_settings() -> Settings:
    """Settings from the environment.

    Raises:
        PermanentError: a value is out of bounds, or a `VITALGRAPH_` name does not exist. Values are not shown.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise PermanentError(
            "read the settings",
            ", ".join(unknown),
            "no such setting exists",
            f"The settings are: {', '.join(sorted(known))}.",
        )
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" if e["loc"] else e["msg"] for e in error.errors()
        )
        raise PermanentError("read the settings", "environment", problems, "Correct the value.") from None


def daemon_environment(settings: Settings) -> dict[str, str]:
    """Environment for a child process that works on the same home: this one's, with these settings and DAGSTER_HOME."""
    given = {
        PREFIX + name.upper(): _text(getattr(settings, name))
        for name in sorted(settings.model_fields_set)
        if getattr(settings, name) is not None
    }
    return {
        **os.environ,
        **given,
        f"{PREFIX}HOME": str(settings.home_path),
        "DAGSTER_HOME": str(settings.home_path),
    }


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
