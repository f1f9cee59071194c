"""Command line of the sandbox: write the export, serve the API, or run a command against it."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from types import FrameType

import uvicorn

from pipelines.sandbox.account import PRODUCTION, SANDBOX, Account
from pipelines.sandbox.export import write_export
from pipelines.sandbox.server import (
    TOKEN,
    base_url,
    create_app,
    listen,
    running,
    server_config,
)
from pipelines.sandbox.simulation import simulate


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    account = simulate(seed=options.seed, scale=options.scale)
    return options.run(account, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True)

    export = commands.add_parser("export", help="write the account as export files")
    export.add_argument("folder")
    export.add_argument("--layout", choices=("parquet", "csv"), default="parquet")
    export.set_defaults(run=_export)

    serve = commands.add_parser("serve", help="serve the API until stopped")
    serve.add_argument("--port", type=int, default=4010, help="loopback port; 0 picks a free one")
    serve.set_defaults(run=_serve)

    execute = commands.add_parser("exec", help="run a command against a temporary API")
    execute.add_argument("command", nargs=argparse.REMAINDER, help="-- command and its arguments")
    execute.set_defaults(run=_exec)

    for command in (export, serve, execute):
        command.add_argument("--seed", type=int, default=7)
        command.add_argument("--scale", type=_positive, default=1, help="copies of the customers")
    for command in (serve, execute):
        command.add_argument(
            "--environment", type=str.upper, choices=(PRODUCTION, SANDBOX), default=PRODUCTION
        )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _export(account: Account, options: argparse.Namespace) -> int:
    files = write_export(account, options.folder, options.layout)
    print(f"export: {len(files)} files of the sandbox account in {options.folder}")
    return 0


def _serve(account: Account, options: argparse.Namespace) -> int:
    with listen(options.port) as listener:
        print(f"{base_url(listener)} token {TOKEN}", flush=True)
        app = create_app(account, TOKEN, options.environment)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(server_config(app)).run(sockets=[listener])
    return 0


def _exec(account: Account, options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        print("exec needs a command: exec -- <command ...>", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)
    with running(account, TOKEN, options.environment) as url:
        settings = {"METRONOME_BASE_URL": url, "METRONOME_BEARER_TOKEN": TOKEN}
        try:
            child = subprocess.Popen(command, env=os.environ | settings)
        except OSError as error:
            print(f"exec: {error}", file=sys.stderr)
            return 127
        try:
            code = child.wait()
        finally:
            child.terminate()
            child.wait()
    return code if code >= 0 else 128 - code


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
