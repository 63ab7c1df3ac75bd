"""Where a lake is and how it may be reached.

Belongs here: root URLs, credentials, the options that each client library wants them as.
Does not belong here: reading or writing.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from vitals.errors import UsageError

REQUEST_RETRIES = 5
REQUEST_TIMEOUT = timedelta(minutes=2)
RETRY_TIMEOUT = timedelta(minutes=2)

# deltalake 1.6 panics on the first five in a local path and decodes `%` twice; `=` reads as a partition.
_UNUSABLE = frozenset("[]^|\\%=")


@dataclass(frozen=True, kw_only=True)
class S3Access:
    """Access to an S3-protocol store. None leaves a value to the usual chain (instance role, shared config).

    Attributes:
        endpoint_url: URL of the store, None for AWS.
        region: region name.
        access_key_id: key id.
        secret_access_key: secret of that key.
        allow_http: whether plain HTTP may be used; only for a store on the same host or network.

    Raises:
        UsageError: the endpoint is no URL, or plain HTTP without leave.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    allow_http: bool = False

    def __post_init__(self) -> None:
        if self.endpoint_url is None:
            return
        parts = urlsplit(self.endpoint_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            why = "the endpoint is not http(s)://host[:port]"
            raise UsageError("use the object store", "endpoint", why, "Correct the endpoint URL.")
        if parts.scheme == "http" and not self.allow_http:
            raise UsageError("use the object store", "endpoint", "plain HTTP is not allowed", "Use https, or allow it.")

    def obstore_options(self) -> dict[str, Any]:
        """Arguments of `obstore.store.S3Store`."""
        named = {
            "endpoint": self.endpoint_url,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }
        return {
            **{name: value for name, value in named.items() if value is not None},
            "client_options": {"allow_http": self.allow_http, "timeout": REQUEST_TIMEOUT},
            "retry_config": {"max_retries": REQUEST_RETRIES, "retry_timeout": RETRY_TIMEOUT},
        }

    def boto3_options(self) -> dict[str, Any]:
        """Arguments of `boto3.client("s3")`."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }

    def delta_options(self) -> dict[str, str]:
        """Storage options of deltalake."""
        return {
            **self._aws_options(),
            # A commit must fail if its version exists; without this deltalake asks for a lock table in DynamoDB.
            "aws_conditional_put": "etag",
            "timeout": f"{REQUEST_TIMEOUT.seconds}s",
            "max_retries": str(REQUEST_RETRIES),
            "retry_timeout": f"{RETRY_TIMEOUT.seconds}s",
        }

    def polars_options(self) -> dict[str, Any]:
        """Storage options of Polars."""
        return {**self._aws_options(), "max_retries": REQUEST_RETRIES}

    def _aws_options(self) -> dict[str, str]:
        named = {
            "aws_endpoint_url": self.endpoint_url,
            "aws_region": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }
        given = {name: value for name, value in named.items() if value is not None}
        return {**given, "aws_allow_http": str(self.allow_http).lower()}


@dataclass(frozen=True, kw_only=True)
class Root:
    """A lake's root, taken apart.

    Attributes:
        url: the URL without a trailing slash.
        folder: the local folder, or None.
        bucket: the bucket, or None.
        prefix: what every key in the bucket starts with, without slashes at its ends; may be empty.
        s3: access, if it is a bucket.
    """

    url: str
    folder: Path | None = None
    bucket: str | None = None
    prefix: str = ""
    s3: S3Access | None = None


def parse_root(root_url: str, *, s3: S3Access | None) -> Root:
    """Take a root URL apart.

    Args:
        root_url: `file:///absolute/folder` or `s3://bucket[/prefix]`.
        s3: access; without it an `s3://` root uses the defaults of its host.

    Raises:
        UsageError: the URL is neither, or holds what does not belong there.
    """
    try:
        parts = urlsplit(root_url)
    except ValueError:
        raise _unusable("root URL", "it is no URL", "Use file:///absolute/folder or s3://bucket/prefix.") from None
    # Without query and fragment: whoever writes a secret into one finds it in no message.
    shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    if "@" in parts.netloc:
        raise _unusable(
            f"{parts.scheme}://…", "it carries credentials", "Give credentials as settings, not in the URL."
        )
    if parts.query or parts.fragment:
        raise _unusable(shown, "it has a query or a fragment", "Percent-encode `?` and `#` in folder names.")
    path = unquote(parts.path)
    if set(path) & _UNUSABLE or any(part in {".", ".."} for part in path.split("/")):
        raise _unusable(shown, "its path has one of [ ] ^ | \\ % = or a relative part", "Choose a plainer folder.")
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and path.startswith("/"):
        folder = Path(path)
        return Root(url=folder.as_uri(), folder=folder)
    if parts.scheme == "s3" and parts.netloc and ":" not in parts.netloc:
        prefix = "/".join(part for part in path.split("/") if part)
        url = f"s3://{parts.netloc}/{prefix}".rstrip("/")
        return Root(url=url, bucket=parts.netloc, prefix=prefix, s3=s3 or S3Access())
    raise _unusable(shown, "it is neither a folder nor a bucket", "Use file:///absolute/folder or s3://bucket/prefix.")


def _unusable(where: str, why: str, remedy: str) -> UsageError:
    return UsageError("open the lake", where, why, remedy)
