"""One place that opens files, whether on disk or in S3.

What belongs here: the file system factory and the storage options for Delta and polars. What does not: table logic (`lake`).
S3 credentials and endpoint come from the standard variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and
AWS_ENDPOINT_URL, which s3fs and Delta both read.
"""

from collections.abc import Mapping

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
