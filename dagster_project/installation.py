"""From settings to the objects that stages, sensors and commands work with.

Belongs here: the construction of the workspace and the first start of a home.
Does not belong here: settings themselves.
"""

import fcntl
import hmac
import logging
import os
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from shlex import quote

from dagster_project.identity import identify
from dagster_project.settings import Settings
from resources.catalog.catalog import Catalog
from resources.catalog.migrations import check, upgrade
from resources.lake.keys import show_keys_by
from resources.lake.lake import S3Access
from resources.workspace import ProcessingPolicy, Workspace
from vitals.errors import PermanentError
from vitals.raw.container import Limits
from vitals.training.token_counts import TokenCounter, by_characters
from vitals.validated.file_quality import ScorePolicy

MEGABYTE = 2**20
PRIVATE = 0o077
"""Mode bits that nothing of an installation should have: everybody's but the owner's."""

log = logging.getLogger(__name__)

INSTANCE_FILE = Path(__file__).with_name("dagster.yaml")


def processing_policy(settings: Settings) -> ProcessingPolicy:
    """Limits and thresholds of the settings."""
    return ProcessingPolicy(
        limits=Limits(
            max_file_bytes=int(settings.max_file_size_mb * MEGABYTE),
            max_records=settings.max_records_per_file,
            max_decompressed_bytes=int(settings.max_decompressed_mb * MEGABYTE),
        ),
        score=ScorePolicy(threshold=settings.quality_threshold),
        batch_bytes=int(settings.batch_mb * MEGABYTE),
        fetch_concurrency=settings.fetch_concurrency,
        max_attempts=settings.max_attempts,
        first_day=settings.first_date,
        task_mix=settings.mix_of_tasks,
        prompt_token_budget=settings.prompt_token_budget,
        token_counter=token_counter(settings),
    )


def token_counter(settings: Settings) -> TokenCounter:
    """How tokens are counted: by the tokenizer of a file, or else by the mean number of characters in one.

    Raises:
        PermanentError: the file is no tokenizer, or the package that reads it is not installed.
    """
    path = settings.tokenizer_file
    if path is None:
        return by_characters(settings.characters_per_token)
    try:
        # Imported by name: it is an optional extra, and nothing else needs it.
        tokenizer = import_module("tokenizers").Tokenizer.from_file(str(path))
        digest = sha256(path.read_bytes()).hexdigest()
    except ImportError:
        raise _no_tokenizer("the package tokenizers is not installed", "Install `vitalgraph[tokenizer]`.") from None
    except Exception as error:  # noqa: BLE001 - the package raises bare Exception, whatever is wrong with the file
        why = "it cannot be read" if isinstance(error, OSError) or not path.is_file() else "it is no tokenizer"
        raise _no_tokenizer(why, "Name a tokenizer.json as Hugging Face's tokenizers write it.") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return TokenCounter(f"the tokenizer with SHA-256 {digest}", count)


def _no_tokenizer(why: str, remedy: str) -> PermanentError:
    return PermanentError("read the tokenizer", "VITALGRAPH_TOKENIZER_FILE", why, remedy)


def s3_access(settings: Settings) -> S3Access:
    """Access to the object store: any tenant may have its root in one, wherever the others have theirs."""
    secret = settings.s3_secret_access_key
    return S3Access(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        allow_http=bool(settings.s3_endpoint_url and settings.s3_endpoint_url.startswith("http://")),
    )


@lru_cache(maxsize=4)
def build_workspace(settings: Settings) -> Workspace:
    """The workspace of these settings; the same one for the same settings within a process.

    Raises:
        ConflictError: keys, catalog and lake are not those of one installation; says what to do.
    """
    prepare_home(settings)
    catalog, s3 = Catalog(settings.catalog_url), s3_access(settings)
    identity = identify(settings, catalog, s3=s3)
    show_keys_by(hmac.digest(identity.subject_key, b"vitalgraph: what is shown of keys", "sha256"))
    return Workspace(
        catalog=catalog,
        lake_url=settings.lake_url,
        subject_key=identity.subject_key,
        s3=s3,
        policy=processing_policy(settings),
        installation=identity.installation,
        former_keys=identity.former_keys,
    )


def open_catalog(settings: Settings) -> Catalog:
    """The catalog of these settings, whether it fits keys and lake or not: for making it fit."""
    prepare_home(settings)
    return Catalog(settings.catalog_url)


def prepare_home(settings: Settings) -> None:
    """Create the home on first use: folders, Dagster's instance file, and a local catalog at the newest schema.

    A PostgreSQL catalog is not migrated behind its operator's back: `vitalgraph db upgrade` does that.

    Raises:
        PermanentError: the folder cannot be made or written.
    """
    home = settings.home_path
    make_home(home)
    try:
        _write_instance_file(home)
        _create_instance_storage(home)
    except OSError as error:
        raise _unusable(home, error) from None
    if settings.catalog_url.startswith("sqlite"):
        catalog = Catalog(settings.catalog_url)
        if check(catalog):
            upgrade(catalog)
        catalog.close()


def make_home(home: Path) -> None:
    """Create the folder, for its owner alone, and let this process write nothing that others may read.

    A folder with something in it keeps its mode: whoever uploads there may need it. Its operator is told.

    Raises:
        PermanentError: it cannot be made, or is a file.
    """
    os.umask(PRIVATE)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = home.stat().st_mode
        if not mode & PRIVATE:
            return
        if next(home.iterdir(), None) is None and home.stat().st_uid == os.getuid():
            home.chmod(0o700)
            return
    except OSError as error:
        raise _unusable(home, error) from None
    log.warning(
        "Other users of this machine can read health data in %s. Run: chmod -R go-rwx %s", home, quote(str(home))
    )


def _unusable(home: Path, error: OSError) -> PermanentError:
    why = error.strerror or type(error).__name__
    return PermanentError(
        "use the home", f"VITALGRAPH_HOME {home}", why, "Name a folder that can be written, on a disk with free space."
    )


def _write_instance_file(home: Path) -> None:
    """Write Dagster's instance file; one that names a storage is its operator's and stays as it is."""
    text = INSTANCE_FILE.read_text()
    file = home / "dagster.yaml"
    found = file.read_text() if file.exists() else ""
    if found != text and "\nstorage:" not in found:
        # Other processes may be reading it: it is replaced as a whole.
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(text)
        new.replace(file)


def _create_instance_storage(home: Path) -> None:
    """Create Dagster's SQLite files, one process at a time: two that do it at once leave a storage nobody can open.

    `dagster dev` starts several processes that all load the definitions at the same moment.
    """
    done = home / "instance.created"
    if done.exists():
        return
    with (home / "instance.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        import dagster as dg  # noqa: PLC0415 - takes a second, and is needed on the first start only

        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.get_runs_count()
            instance.get_dynamic_partitions("tenant")
            instance.all_instigator_state()
        done.touch()
