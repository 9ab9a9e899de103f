"""One place that opens files, whether on disk or in S3.

What belongs here: the file system factory, the storage options for Delta and polars, and the one way to replace a local file
whole. What does not: table logic (`lake`).
S3 credentials and endpoint come from the standard variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and
AWS_ENDPOINT_URL, which s3fs and Delta both read.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem


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

    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


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
