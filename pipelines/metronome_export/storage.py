"""Open the folder of an export: a local folder, or a folder in an object store that fsspec opens.

The settings of a store are those of dlt's `filesystem` source, under `sources.metronome_export`.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.common.storages.configuration import FilesystemConfiguration
from dlt.common.storages.fsspec_filesystem import MTIME_DISPATCH, fsspec_from_config

from pipelines.common.errors import InputError

SECTION = ("sources", "metronome_export")
PACKAGES = {
    "s3": "s3fs",
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
"""The package that opens a store, by the scheme of its address. s3fs is always installed."""


@dataclass(frozen=True)
class ExportLocation:
    """An opened folder. `folder` is its path. In a store, it has no scheme."""

    filesystem: fsspec.AbstractFileSystem
    protocol: str
    folder: str

    @property
    def is_local(self) -> bool:
        """Return whether the folder is local, so that DuckDB reads its files directly."""
        return self.protocol == "file"

    @property
    def root(self) -> str:
        """Return the address of the folder without credentials, for messages and `loaded_files`."""
        return self.folder if self.is_local else f"{self.protocol}://{self.folder}"

    def find(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """List all files below the folder, ordered by their paths relative to it.

        Raises:
            InputError: If a folder cannot be read, or the store does not answer.
        """
        with _plain_errors(self.root):
            if self.is_local:
                found = dict(_walk(self.folder))
            else:
                found = self.filesystem.find(self.folder, detail=True)
        for path, info in sorted(found.items()):
            yield path.removeprefix(self.folder).removeprefix("/"), info

    def modified_at(self, info: dict[str, Any]) -> datetime:
        """Return the UTC time at which a listed file was written."""
        if self.is_local:
            return datetime.fromtimestamp(info["mtime"], UTC)
        return MTIME_DISPATCH[self.protocol](info).astimezone(UTC)

    @contextmanager
    def on_disk(self, paths: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Provide the files in a local folder, at the same relative paths.

        Yields:
            The local folder, and the paths that the store does not return, each with the reason.

        Raises:
            InputError: If the store does not answer at all.
        """
        if self.is_local:
            yield self.folder, {}
            return
        with TemporaryDirectory() as folder:
            for path in paths:
                Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            with _plain_errors(self.root):
                refused = self._fetch(paths, folder)
            yield folder, refused

    def _fetch(self, paths: Sequence[str], folder: str) -> dict[str, str]:
        """Fetch files together. If the store refuses one, fetch them one by one to find it."""
        sources, targets = (
            [f"{place}/{path}" for path in paths] for place in (self.folder, folder)
        )
        try:
            self.filesystem.get(sources, targets)
        except (FileNotFoundError, PermissionError) as error:
            if len(paths) == 1:
                return {paths[0]: f"the store did not return it: {error or repr(error)}"}
            refused = (self._fetch([path], folder) for path in paths)
            return {path: reason for one in refused for path, reason in one.items()}
        return {}


def _walk(root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the files of a local folder, with those behind symbolic links to folders.

    A link to a folder that contains the link is not followed, because the walk would never end.
    """

    def fail(error: OSError) -> None:
        raise error

    above = {root: {os.path.realpath(root)}}
    for folder, folders, files in os.walk(root, onerror=fail, followlinks=True):
        inside = above.pop(folder)
        for name in list(folders):
            path = os.path.join(folder, name)  # noqa: PTH118  Path would drop a name's oddities
            real = os.path.realpath(path)
            if real in inside:
                folders.remove(name)
            else:
                above[path] = inside | {real}
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118
            try:
                stat = os.stat(path)  # noqa: PTH116
            except OSError:  # a broken link is listed, and becomes a bad file
                stat = os.lstat(path)
            yield path, {"size": stat.st_size, "mtime": stat.st_mtime}


def open_location(bucket_url: str) -> ExportLocation:
    """Open the folder of an address.

    Args:
        bucket_url: A path, relative or absolute, or an address such as `s3://bucket/folder`.

    Raises:
        InputError: If the folder does not exist, the package for its store is not installed, or
            the store refuses the credentials.
    """
    protocol = bucket_url.partition("://")[0] if "://" in bucket_url else "file"
    if protocol == "file":
        filesystem, folder = fsspec.filesystem("file"), _local_folder(bucket_url)
    else:
        filesystem, folder = _open_store(bucket_url, protocol)
    with _plain_errors(bucket_url):
        if not filesystem.isdir(folder):
            raise InputError(f"There is no folder {bucket_url!r}: give the export's own folder.")
    return ExportLocation(filesystem, protocol, folder if folder == "/" else folder.rstrip("/"))


def _local_folder(bucket_url: str) -> str:
    """Return an absolute path. The name of a folder can have any character, even `~` and `%`."""
    path = bucket_url
    if "://" in path:
        path = FilesystemConfiguration.make_local_path(path)
    elif not Path(path).exists():
        path = os.path.expanduser(path)  # noqa: PTH111
    try:
        path.encode()
    except UnicodeEncodeError as error:
        named = path.encode(errors="backslashreplace").decode()
        raise InputError(
            f"The name of the folder '{named}' is not UTF-8: rename it, or give a link to it."
        ) from error
    return os.path.abspath(path)  # noqa: PTH100


def _open_store(bucket_url: str, protocol: str) -> tuple[fsspec.AbstractFileSystem, str]:
    if protocol not in PACKAGES:
        raise InputError(
            f"{bucket_url!r} is not the folder of an export: give a folder, or an address that "
            f"starts with {', '.join(f'{scheme}://' for scheme in PACKAGES)}."
        )
    package = PACKAGES[protocol]
    if find_spec(package) is None:
        raise InputError(f"{bucket_url!r} needs a package: pip install {package}")
    try:
        config = resolve_configuration(
            FilesystemConfiguration(bucket_url=bucket_url), sections=SECTION
        )
    except ConfigFieldMissingException as error:
        raise InputError(
            f"No credentials for {bucket_url!r}: set [sources.metronome_export.credentials], as "
            ".dlt/secrets.toml.example has them."
        ) from error
    with _plain_errors(bucket_url):
        return fsspec_from_config(config)


@contextmanager
def _plain_errors(place: str) -> Iterator[None]:
    """Convert the errors of a store to one sentence.

    Each store raises the errors of its client, so this catches every exception.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{place} cannot be read: {error or repr(error)}") from error
