"""One place that opens files, whether on disk or in S3.

What belongs here: the file system factory, its errors in the project's words, the storage options for Delta and polars, and the
one way to replace a local file whole. What does not: table logic (`lake`).
S3 credentials and endpoint come from the standard variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION and AWS_ENDPOINT_URL, for files and for tables alike.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from wow_flywheel.errors import FlywheelError, SourceError, StorageUnavailable


def is_s3(uri: str) -> bool:
    """True for `s3://…`."""
    return uri.startswith("s3://")


def file_system(uri: str) -> AbstractFileSystem:
    """The fsspec file system of a URI: local, or S3 through s3fs (imported only then).

    S3 listings are not cached, so a file that arrived a second ago is seen.
    """
    if not is_s3(uri):
        return LocalFileSystem(auto_mkdir=True)
    import s3fs

    region = os.environ.get("AWS_REGION")
    client = {"region_name": region} if region else {}
    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True, client_kwargs=client)


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
        raise SourceError(f"{uri}: access denied", hint=_permission_hint(uri, setting)) from error
    except _library_errors(uri) as error:
        raise _translated(error, uri, setting) from error


def _permission_hint(uri: str, setting: str) -> str:
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
    kind = type(error).__name__
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
    from botocore.exceptions import BotoCoreError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    return isinstance(error, BotoCoreError) and not isinstance(error, (HTTPClientError, NoConnection))


def delta_options(uri: str, env: Mapping[str, str]) -> dict[str, str]:
    """Storage options for deltalake and polars: plain http is allowed only for an endpoint that says so itself."""
    endpoint = env.get("AWS_ENDPOINT_URL", "")
    if not is_s3(uri) or not endpoint:
        return {}
    return {"aws_endpoint_url": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a local file whole: a reader, or a crash at any moment, sees the old bytes or the new ones, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a local folder durable: a rename survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
