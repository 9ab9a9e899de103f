"""One place that opens files, whether on disk or in S3.

What belongs here: the file system factory, its errors in the project's words, the storage options for Delta and polars, and the
one way to replace a local file whole. What does not: table logic (`lake`).
S3 credentials and endpoint come from the standard variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION and AWS_ENDPOINT_URL, for files and for tables alike; how long and how often it is asked, from WOW_S3_TIMEOUT_SECONDS
and WOW_S3_ATTEMPTS.
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from wow_flywheel.errors import FlywheelError, SettingsError, SourceError, StorageUnavailable

ATTEMPTS, TIMEOUT_SECONDS = 4, 60
STORE_SIGNS = ("Generic S3 error", "Error performing ", "necessary privileges")
"""How the object store client inside the Delta library begins what it has to say."""


def is_s3(uri: str) -> bool:
    """True for `s3://…`."""
    return uri.startswith("s3://")


def file_system(uri: str) -> AbstractFileSystem:
    """The fsspec file system of a URI: local, or S3 through s3fs (imported only then).

    S3 listings are not cached, so a file that arrived a second ago is seen. A request, and the reading of its answer, is tried
    again a bounded number of times.

    Raises:
        SettingsError: WOW_S3_ATTEMPTS or WOW_S3_TIMEOUT_SECONDS is no whole number above zero.
    """
    if not is_s3(uri):
        return LocalFileSystem(auto_mkdir=True)
    import s3fs

    region = os.environ.get("AWS_REGION")
    client = {"region_name": region} if region else {}
    attempts, seconds = s3_limits(os.environ)
    config = {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "retries": {"total_max_attempts": attempts, "mode": "standard"},
    }
    made = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True, client_kwargs=client, config_kwargs=config)
    made.retries = attempts  # of a whole answer: the client's own attempts end where its body begins
    return made


def s3_limits(env: Mapping[str, str]) -> tuple[int, int]:
    """How often a request to S3 is tried, and how many seconds it may be silent.

    Raises:
        SettingsError: A value is no whole number above zero.
    """
    return _above_zero(env, "WOW_S3_ATTEMPTS", ATTEMPTS), _above_zero(env, "WOW_S3_TIMEOUT_SECONDS", TIMEOUT_SECONDS)


def _above_zero(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip() or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"{name}={text!r} is no whole number above zero", hint=f"set it to something like {default}")
    return int(text)


@contextmanager
def storage_errors(uri: str, setting: str) -> Iterator[None]:
    """Turn what goes wrong while files are listed, read or written into the project's errors.

    Args:
        uri: What is read or written.
        setting: The environment variable that names it, for the hint.

    Raises:
        SourceError: It does not exist, may not be used, or the credentials or the endpoint are set wrong.
        StorageUnavailable: The storage does not answer.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        bucket = " (does the bucket exist at AWS_ENDPOINT_URL?)" if is_s3(uri) else ""
        raise SourceError(f"{uri}: no such folder or file{bucket}", hint=f"check {setting}") from error
    except PermissionError as error:
        code = _code(error)
        said = f"{uri}: access denied" + (f" ({code})" if code else "")
        raise SourceError(said, hint=_permission_hint(uri, setting, code)) from error
    except _library_errors(uri) as error:
        raise _translated(error, uri, setting) from error


@contextmanager
def read_errors(uri: str, setting: str) -> Iterator[None]:
    """`storage_errors` for a file that was listed a moment ago: that it is gone or another one by now may be tried again.

    Raises:
        SourceError: It may not be read.
        StorageUnavailable: The storage does not answer, or the file changed or went away since it was listed.
    """
    try:
        with storage_errors(uri, setting):
            yield
    except SourceError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        again = "try again: the next try lists the files anew; a writer that replaces a file should rename the new one onto it"
        raise StorageUnavailable(f"{uri}: gone since it was listed", hint=again) from error.__cause__


def _code(error: BaseException) -> str:
    """What S3 called the error, such as ExpiredToken or SlowDown; nothing where it did not come from there."""
    response = getattr(error.__cause__ or error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _permission_hint(uri: str, setting: str, code: str = "") -> str:
    if "Expired" in code:
        return "the credential has expired: renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    if is_s3(uri):
        return (
            "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: wrong, expired, or not allowed to list and "
            f"read {setting}"
        )
    return f"let this user read the folder that {setting} names, and its files"


def _library_errors(uri: str) -> tuple[type[Exception], ...]:
    """What reading can raise; evaluated only when something went wrong, so that botocore is imported only then."""
    if not is_s3(uri):
        return (OSError,)
    import aiohttp
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError, aiohttp.ClientError)


def _translated(error: Exception, uri: str, setting: str) -> FlywheelError:
    of_disk = error.strerror if isinstance(error, OSError) and not is_s3(uri) else None
    kind = _code(error) or of_disk or type(error).__name__
    if kind == "FileExpired":
        return StorageUnavailable(f"{uri}: changed while it was read", hint="try again; a writer should rename when it is done")
    if not _is_misconfigured(error, uri):
        again = "check AWS_ENDPOINT_URL and the network" if is_s3(uri) else "check the disk or the mount"
        return StorageUnavailable(f"{uri}: the storage does not answer ({kind})", hint=f"try again; if it stays so, {again}")
    if "Credential" in kind or "Token" in kind:
        return SourceError(f"{uri}: no usable credentials ({kind})", hint=_permission_hint(uri, setting))
    return SourceError(
        f"{uri}: the storage refuses the request ({kind})",
        hint=f"check the bucket name in {setting}, and AWS_REGION, AWS_ENDPOINT_URL and the AWS credentials",
    )


def _is_misconfigured(error: Exception, uri: str) -> bool:
    """True for what trying again cannot help: no credentials, a malformed bucket name, region or request."""
    if isinstance(error, OSError):
        return is_s3(uri) and error.errno == errno.EINVAL
    from botocore.exceptions import BotoCoreError, FlexibleChecksumError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    return isinstance(error, BotoCoreError) and not isinstance(error, (FlexibleChecksumError, HTTPClientError, NoConnection))


def _table_library_errors() -> tuple[type[Exception], ...]:
    """What tables can raise; evaluated only when something went wrong, so that a training box loads neither library."""
    from deltalake.exceptions import DeltaError
    from polars.exceptions import PolarsError

    return (OSError, DeltaError, PolarsError)


@contextmanager
def table_errors(uri: str) -> Iterator[None]:
    """Turn what an object store says while a table is read or written into the project's errors; others pass.

    Raises:
        SourceError: The credentials are refused.
        StorageUnavailable: The store does not answer, after the retries of the Delta library.
    """
    try:
        yield
    except _table_library_errors() as error:
        text = str(error)
        if not is_s3(uri) or not any(sign in text for sign in STORE_SIGNS):
            raise
        code = next(iter(re.findall(r"<Code>(\w+)</Code>|\b([45]\d\d [A-Z]\w+)", text)), ("", ""))
        said = code[0] or code[1] or type(error).__name__
        if "privileges" in text or "authenticat" in text or "xpiredToken" in text:
            refused = f"{uri}: access denied ({said})"
            raise SourceError(refused, hint=_permission_hint(uri, "WOW_LAKE_URI", said)) from error
        again = "try again; if it stays so, check AWS_ENDPOINT_URL and the network"
        raise StorageUnavailable(f"{uri}: the storage does not answer ({said})", hint=again) from error


def delta_options(uri: str, env: Mapping[str, str]) -> dict[str, str]:
    """Storage options for deltalake and polars: plain http is allowed only for an endpoint that says so itself."""
    endpoint = env.get("AWS_ENDPOINT_URL", "")
    if not is_s3(uri) or not endpoint:
        return {}
    return {"aws_endpoint_url": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a local file whole: a reader, or a crash at any moment, sees the old bytes or the new ones, never a part."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        stream = temporary.open("wb", buffering=0)
    except FileNotFoundError:  # asked for only then: looking for the folder each time takes longer than the write
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = temporary.open("wb", buffering=0)
    with stream:
        _write_synced(stream, data)
    temporary.replace(path)
    sync_folder(path.parent)


def append_durable(path: Path, data: bytes) -> None:
    """Add to a local file and wait for the disk. What a full disk cut off is taken away again: else the next line would be
    written onto its end, and both be lost.

    Raises:
        OSError: The disk is full or fails; the file is as it was.
    """
    with path.open("ab", buffering=0) as stream:
        before = os.fstat(stream.fileno()).st_size
        try:
            _write_synced(stream, data)
        except OSError:
            os.ftruncate(stream.fileno(), before)
            raise


def _write_synced(stream: FileIO, data: bytes) -> None:
    """All of it, which an unbuffered write need not take at once, and on the disk."""
    left = memoryview(data)
    while left:
        left = left[stream.write(left) :]
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a local folder durable: a rename survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
