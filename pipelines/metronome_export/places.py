"""The places an export may lie in: a local folder, or a store that fsspec can open.

dlt's own configuration of file systems says how to get into a store: its settings are those of
dlt's `filesystem` source, under `sources.metronome_export`.
"""

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

from pipelines.errors import InputError

SECTION = ("sources", "metronome_export")
PACKAGES = {
    "s3": "s3fs",
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
}
"""What opens a store, by the scheme of its address; s3fs is among our own requirements."""


@dataclass(frozen=True)
class Place:
    """An opened folder. `root` is its path; one in a store has its scheme, `s3://bucket/folder`."""

    filesystem: fsspec.AbstractFileSystem
    protocol: str
    folder: str

    @property
    def is_local(self) -> bool:
        """Whether DuckDB can read the files where they lie."""
        return self.protocol == "file"

    @property
    def root(self) -> str:
        """What tells the folder from others, and never holds a secret."""
        return self.folder if self.is_local else f"{self.protocol}://{self.folder}"

    def find(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The files below the folder, in the order of their paths, relative to it."""
        # a local folder that may not be read would be left out without a word
        errors = {"on_error": "raise"} if self.is_local else {}
        with _told_plainly(self.root):
            found = self.filesystem.find(self.folder, detail=True, **errors)
        for path, info in sorted(found.items()):
            yield path.removeprefix(self.folder).lstrip("/"), info

    def modified_at(self, info: dict[str, Any]) -> datetime:
        """When a file that was found was written, in UTC."""
        if self.is_local:
            return datetime.fromtimestamp(info["mtime"], UTC)
        return MTIME_DISPATCH[self.protocol](info).astimezone(UTC)

    @contextmanager
    def on_disk(self, paths: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Within it, the files lie below a local folder, at the same paths.

        Gives the folder, and the paths of files that the store does not give, and why.

        Raises:
            InputError: If the store gives nothing at all.
        """
        if self.is_local:
            yield self.folder, {}
            return
        with TemporaryDirectory() as folder:
            for path in paths:
                Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            with _told_plainly(self.root):
                refused = self._fetch(paths, folder)
            yield folder, refused

    def _fetch(self, paths: Sequence[str], folder: str) -> dict[str, str]:
        """Fetch files together; if one is refused, one by one, which tells those that are."""
        sources, targets = (
            [f"{place}/{path}" for path in paths] for place in (self.folder, folder)
        )
        try:
            self.filesystem.get(sources, targets)
        except (FileNotFoundError, PermissionError) as error:
            if len(paths) == 1:
                return {paths[0]: f"the store does not give it: {error or repr(error)}"}
            refused = (self._fetch([path], folder) for path in paths)
            return {path: reason for one in refused for path, reason in one.items()}
        return {}


def open_place(bucket_url: str) -> Place:
    """Open the folder that an address names.

    Args:
        bucket_url: A path, relative or not, or an address such as `s3://bucket/folder`.

    Raises:
        InputError: If there is no such folder, a package that opens it is missing, or its store
            does not let us in.
    """
    protocol = FilesystemConfiguration.parse_protocol(bucket_url)
    if protocol == "file":
        filesystem, folder = fsspec.core.url_to_fs(bucket_url)
    else:
        filesystem, folder = _open_store(bucket_url, protocol)
    with _told_plainly(bucket_url):
        if not filesystem.isdir(folder):
            raise InputError(f"There is no folder {bucket_url!r}: give the export's own folder.")
    return Place(filesystem, protocol, folder.rstrip("/"))


def _open_store(bucket_url: str, protocol: str) -> tuple[fsspec.AbstractFileSystem, str]:
    if protocol not in PACKAGES:
        raise InputError(
            f"{bucket_url!r} is no place for an export: give a folder, or the address of one that "
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
    with _told_plainly(bucket_url):
        return fsspec_from_config(config)


@contextmanager
def _told_plainly(place: str) -> Iterator[None]:
    """Within it, what a store answers instead of a file is told in one sentence.

    Stores raise whatever their own client raises, so nothing narrower than Exception will do.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{place} cannot be read: {error or repr(error)}") from error
