"""An export in a store: the same rows as in a folder, by S3's own protocol from a real server."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Thread
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import s3fs
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from pipelines.common.errors import InputError
from tests.pipelines.conftest import Workspace, write_csv, write_parquet

Load = Callable[..., str]
SECTION = "SOURCES__METRONOME_EXPORT__"
CREDENTIALS = {
    f"{SECTION}CREDENTIALS__AWS_ACCESS_KEY_ID": "an-id",
    f"{SECTION}CREDENTIALS__AWS_SECRET_ACCESS_KEY": "a-s3cret-that-nobody-may-see",
}


class S3:
    """A simulated S3 that refuses some objects.

    Attributes:
        refused: The status that is answered instead, by bucket and key.
    """

    def __init__(self) -> None:
        self.app = DomainDispatcherApplication(create_backend_app)
        self.refused: dict[str, str] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status = self.refused.get(environ["PATH_INFO"].lstrip("/"))
        if environ["REQUEST_METHOD"] != "GET" or not status:
            return self.app(environ, start_response)
        start_response(status, [("Content-Type", "application/xml")])
        code = {"403": "AccessDenied", "404": "NoSuchKey"}[status[:3]]
        return [f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()]


@pytest.fixture(scope="module")
def s3() -> S3:
    return S3()


@pytest.fixture(scope="module")
def endpoint(s3: S3) -> Iterator[str]:
    """Yield the address of an S3 server on loopback."""
    server = make_server("127.0.0.1", 0, s3, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def store(endpoint: str) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        endpoint_url=endpoint, key="an-id", secret="a-secret", use_listings_cache=False
    )


@pytest.fixture
def bucket(store: s3fs.S3FileSystem, tmp_path: Path) -> str:
    """Return the name of a new bucket."""
    name = re.sub("[^a-z0-9]", "-", tmp_path.name.lower()).strip("-")
    store.mkdir(name)
    return name


@pytest.fixture
def load(endpoint: str) -> Load:
    """Load an export from the store, with dlt's settings."""

    def load(workspace: Workspace, place: str, **settings: str) -> str:
        endpoint_url = {f"{SECTION}CREDENTIALS__ENDPOINT_URL": endpoint}
        return workspace.load_export(place, **(CREDENTIALS | endpoint_url | settings))

    return load


def ids(workspace: Workspace) -> list[str]:
    return workspace.column("select id from raw_export.customer order by id")


def test_a_store_gives_the_same_rows_as_a_folder(
    workspace: Workspace,
    loaded_export: Workspace,
    export: Path,
    store: s3fs.S3FileSystem,
    bucket: str,
    load: Load,
):
    """Only a part of the files is on the disk at a time."""
    store.put(f"{export}/", f"{bucket}/a/folder/", recursive=True)
    place = f"s3://{bucket}/a/folder"
    size = sum(path.stat().st_size for path in export.rglob("*.parquet"))
    told = load(workspace, place, SOURCES__METRONOME_EXPORT__FETCH_BYTES=str(size // 2))
    assert told.splitlines()[0].endswith(f" rows from {place}")
    loads = workspace.value("select count(distinct _dlt_load_id) from raw_export.loaded_files")
    assert loads > 1
    assert workspace.facts("raw_export") == loaded_export.facts("raw_export")
    assert workspace.column("select distinct root from raw_export.loaded_files") == [place]
    assert load(workspace, place).startswith("export: 0 new of ")


def test_flat_csvs_in_a_store(
    workspace: Workspace, store: s3fs.S3FileSystem, bucket: str, load: Load, tmp_path: Path
):
    write_csv(tmp_path, "customer", "id,name", "a,One")
    store.put(f"{tmp_path}/", f"{bucket}/", recursive=True)
    load(workspace, f"s3://{bucket}")
    assert workspace.query("select id, name, _file from raw_export.customer") == [
        ("a", "One", "Sandbox Egress Data - customer.csv")
    ]


def test_an_object_is_loaded_again_when_its_content_has_changed(
    workspace: Workspace, store: s3fs.S3FileSystem, bucket: str, load: Load, tmp_path: Path
):
    """The etag decides, not the time.

    The same bytes, written again or in a copy, are not loaded again.
    """
    key = f"{bucket}/export/{write_parquet(tmp_path, 'customer', id=['a']).relative_to(tmp_path)}"
    store.put(f"{tmp_path}/", f"{bucket}/export/", recursive=True)
    place = f"s3://{bucket}/export"
    load(workspace, place)
    (size, etag) = store.info(key)["size"], store.info(key)["ETag"].strip('"')
    assert workspace.query("select size_bytes, etag from raw_export.loaded_files") == [(size, etag)]

    store.pipe(key, store.cat(key))
    assert load(workspace, place).startswith("export: 0 new of 1 files")
    store.copy(f"{bucket}/export/", f"{bucket}/moved/", recursive=True)
    assert load(workspace, f"s3://{bucket}/moved").startswith("export: 0 new of 1 files")

    changed = write_parquet(tmp_path, "customer", id=["b"])
    store.pipe(key, changed.read_bytes())
    assert store.info(key)["size"] == size
    assert load(workspace, place).startswith("export: 1 new of 1 files, 1 rows")
    assert ids(workspace) == ["a", "b"]
    other = write_parquet(tmp_path / "other", "customer", id=["of another account"] * 9)
    store.pipe(key.replace("export/", "other/"), other.read_bytes())
    with pytest.raises(InputError, match=f"holds the export of {place}, not of s3://{bucket}/othe"):
        load(workspace, f"s3://{bucket}/other")


def test_no_key_leads_out_of_the_folder_it_is_put_to(
    workspace: Workspace, store: s3fs.S3FileSystem, bucket: str, load: Load, tmp_path: Path
):
    good = write_parquet(tmp_path, "customer", id=["a"])
    name = good.relative_to(tmp_path)
    for key in (f"export/{name}", f"export/../{name}", f"export/x//{name}"):
        store.pipe(f"{bucket}/{key}", good.read_bytes())
    with pytest.raises(InputError) as caught:
        load(workspace, f"s3://{bucket}/export")
    for path in (f"../{name}", f"x//{name}"):
        assert f"{path}: its name is not UTF-8, or its path leads out" in str(caught.value)
    assert workspace.column("select path from raw_export.loaded_files") == [str(name)]


def test_a_table_that_was_stopped_is_not_gone_on_with_in_the_next_batch(
    workspace: Workspace, store: s3fs.S3FileSystem, bucket: str, load: Load, tmp_path: Path
):
    write_parquet(tmp_path, "customer", id=["c"])
    write_parquet(tmp_path, "invoice", "2024-01-01", id=["good"])
    write_parquet(tmp_path, "invoice", "2024-01-02", id=["bad"], total=["a lot"])
    write_parquet(tmp_path, "invoice", "2024-01-03", id=["after"])
    write_parquet(tmp_path, "product", id=["p"])
    store.put(f"{tmp_path}/", f"{bucket}/export/", recursive=True)
    with pytest.raises(InputError) as caught:
        load(workspace, f"s3://{bucket}/export", SOURCES__METRONOME_EXPORT__FETCH_BYTES="1")
    assert (
        f"'a lot', which is not a number of at most 20 digits before the point and 18 after it, in s3://{bucket}/export/invoice/dt=2024-01-02/"
        in str(caught.value)
    )
    assert workspace.column("select id from raw_export.invoice") == ["good"]
    assert workspace.counts("raw_export") == {"customer": 1, "invoice": 1, "product": 1}


# What is refused


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(status, marks=pytest.mark.fault("Files", what, "skipped; the rest loads"))
        for status, what in (
            ("403 Forbidden", "an object that the store refuses, 403"),
            ("404 Not Found", "an object that vanishes after it was listed, 404"),
        )
    ],
)
def test_an_object_that_the_store_does_not_give_is_set_aside(
    workspace: Workspace,
    store: s3fs.S3FileSystem,
    s3: S3,
    bucket: str,
    load: Load,
    tmp_path: Path,
    status: str,
):
    write_parquet(tmp_path, "customer", "2024-01-01", id=["good"])
    path = write_parquet(tmp_path, "customer", "2024-01-02", id=["bad"]).relative_to(tmp_path)
    write_parquet(tmp_path, "invoice", id=["good"])
    store.put(f"{tmp_path}/", f"{bucket}/export/", recursive=True)
    s3.refused[f"{bucket}/export/{path}"] = status
    place = f"s3://{bucket}/export"
    with pytest.raises(InputError, match=f"{path}: the store did not return it: "):
        load(workspace, place)
    assert workspace.counts("raw_export") == {"customer": 1, "invoice": 1}
    s3.refused.clear()
    assert load(workspace, place).startswith("export: 1 new of 3 files, 1 rows")
    assert ids(workspace) == ["bad", "good"]


def test_a_bucket_that_is_not_there(workspace: Workspace, load: Load):
    with pytest.raises(InputError, match="There is no folder 's3://no-such-bucket/export'"):
        load(workspace, "s3://no-such-bucket/export")


def test_a_store_without_credentials_names_where_to_put_them(workspace: Workspace):
    nowhere = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "nowhere",
        "AWS_CONFIG_FILE": "nowhere",
    }
    with pytest.raises(InputError, match=r"No .* set \[sources.metronome_export.credentials\]"):
        workspace.load_export("s3://bucket/export", **nowhere)


@pytest.mark.parametrize(
    ("place", "package"),
    [("gs://bucket/export", "gcsfs"), ("az://container/export", "adlfs")],
)
def test_a_store_whose_package_is_missing_names_it(workspace: Workspace, place: str, package: str):
    with pytest.raises(InputError, match=f"'{place}' needs a package: pip install {package}"):
        workspace.load_export(place)


def test_an_address_of_no_store(workspace: Workspace):
    with pytest.raises(InputError, match="'ftp://host/export' is not the folder of an export"):
        workspace.load_export("ftp://host/export")


def test_a_secret_is_not_kept(
    workspace: Workspace, store: s3fs.S3FileSystem, bucket: str, load: Load, tmp_path: Path
):
    write_parquet(tmp_path, "customer", id=["c"])
    store.put(f"{tmp_path}/", f"{bucket}/", recursive=True)
    load(workspace, f"s3://{bucket}")
    kept = [path for path in workspace.dlt_folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"a-s3cret" in path.read_bytes()]
    assert b"a-s3cret" not in workspace.database.read_bytes()
