"""Command line of the sandbox: write the export, serve the API, or run a command against it."""

import argparse
import contextlib
import gc
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.common.log import Stopwatch, log_step
from pipelines.common.subprocesses import exit_on_signals, run_child
from sandbox.api.fault_options import RATE_LIMIT_TYPES, RETRY_AFTER, Faults
from sandbox.billing.simulate import simulate
from sandbox.core.account import Account
from sandbox.core.records import NOW, PRODUCTION, SANDBOX, to_text, to_time

if TYPE_CHECKING:
    from sandbox.api.faults import FaultyApi

EARLIEST, LATEST = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 6, 30, tzinfo=UTC)
"""The first and the last instant that `--as-of` accepts."""


def main(
    arguments: list[str] | None = None, change: Callable[[Account], Account] | None = None
) -> int:
    """Run one command, on the account or on what `change` makes of it, and return its exit code."""
    options = _parser().parse_args(arguments)
    gc.disable()  # the account lasts as long as the process
    account = simulate(seed=options.seed, as_of=options.as_of)
    return options.run(change(account) if change else account, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True)

    export = commands.add_parser("export", help="write the account as export files")
    export.add_argument("folder")
    export.add_argument("--layout", choices=("parquet", "csv"), default="parquet")
    export.set_defaults(run=_export)

    serve = commands.add_parser("serve", help="serve the API until stopped")
    serve.add_argument("--port", type=int, default=4010, help="loopback port, 0 for a free port")
    serve.set_defaults(run=_serve)

    execute = commands.add_parser("exec", help="run a command against a temporary API")
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- command and its arguments")
    execute.set_defaults(run=_exec)

    for command in (export, serve, execute):
        command.add_argument("--seed", type=int, default=7)
        command.add_argument(
            "--as-of",
            type=_clock,
            default=NOW,
            metavar="TIME",
            help="the instant of the account, RFC 3339",
        )
    for command in (serve, execute):
        command.add_argument(
            "--environment", type=str.upper, choices=(PRODUCTION, SANDBOX), default=PRODUCTION
        )
        command.add_argument(
            "--forbid",
            action="append",
            default=[],
            metavar="PATH",
            help="answer this path with 403, such as /v1/customers/{id}/invoices or /v1/usage*",
        )
        command.add_argument(
            "--contracts-without-cursor",
            action="store_true",
            help="answer lists of contracts without pages, as before October 2026",
        )
        _add_faults(command)
    return parser


def _add_faults(command: argparse.ArgumentParser) -> None:
    faults = command.add_argument_group("faults")
    faults.add_argument("--rate-limit", type=_amount, default=0, metavar="N", help="per second")
    faults.add_argument("--rate-limit-type", choices=RATE_LIMIT_TYPES, default="client")
    faults.add_argument("--retry-after", choices=RETRY_AFTER, default="none")
    faults.add_argument("--latency", type=_amount, default=0, metavar="MS", help="milliseconds")
    for name, what in (
        ("errors", "share of requests answered with 5xx, 408 or 409"),
        ("drop", "connections closed unanswered"),
        ("truncate", "bodies cut short"),
        ("drip", "bodies sent slowly"),
    ):
        faults.add_argument(f"--{name}", type=_share, default=0, metavar="SHARE", help=what)
    faults.add_argument("--gone", action="append", default=[], metavar="PATH", help="answers 404")


def _amount(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return number


def _clock(text: str) -> datetime:
    moment = to_time(text)
    if not EARLIEST <= moment <= LATEST:
        raise argparse.ArgumentTypeError(f"must be from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}")
    return moment


def _app(account: Account, options: argparse.Namespace) -> "FaultyApi":
    """Return the API of the account, and collect garbage from then on."""
    from sandbox.api.faults import FaultyApi
    from sandbox.api.server import TOKEN, create_app

    app = create_app(
        account,
        TOKEN,
        options.environment,
        forbid=options.forbid,
        contracts_cursor=not options.contracts_without_cursor,
    )
    faults = Faults(
        rate_limit=options.rate_limit,
        rate_limit_type=options.rate_limit_type,
        retry_after=options.retry_after,
        latency=options.latency,
        errors=options.errors,
        drop=options.drop,
        truncate=options.truncate,
        drip=options.drip,
        gone=tuple(options.gone),
        seed=options.seed,
    )
    gc.freeze()
    gc.enable()
    return FaultyApi(app, faults)


# Each command imports what only it needs. Arrow and the web server are slow to import.


def _export(account: Account, options: argparse.Namespace) -> int:
    from sandbox.export.writer import write_export

    clock = Stopwatch()
    files = write_export(account, options.folder, options.layout)
    text = f"export: {len(files)} files of the sandbox account in {options.folder}"
    log_step(text, step="sandbox", files=len(files), seconds=clock.seconds())
    return 0


def _serve(account: Account, options: argparse.Namespace) -> int:
    import uvicorn

    from sandbox.api.server import TOKEN, base_url, listen, server_config

    with listen(options.port) as listener:
        print(f"{base_url(listener)} token {TOKEN}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server = uvicorn.Server(server_config(_app(account, options)))
            server.run(sockets=[listener])
    return 0


def _exec(account: Account, options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("exec needs a command: exec -- <command ...>", file=sys.stderr)
        return 2
    from sandbox.api.server import TOKEN, serving

    exit_on_signals()
    with serving(_app(account, options)) as url:
        settings = {
            "METRONOME_BASE_URL": url,
            "METRONOME_BEARER_TOKEN": TOKEN,
            "SOURCES__METRONOME_API__AS_OF": to_text(options.as_of),
        }
        if not options.rate_limit:
            settings["SOURCES__METRONOME_API__REQUESTS_PER_SECOND"] = "1000"
        try:
            return run_child(command, env=os.environ | settings)
        except OSError as error:
            print(f"exec: {error}", file=sys.stderr)
            return 127


if __name__ == "__main__":
    sys.exit(main())
