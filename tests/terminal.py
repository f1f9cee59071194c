"""Run a command whose standard error is a terminal."""

import os
import pty
import subprocess
import termios
from threading import Thread


def on_terminal(command: list[str], **environment: str) -> str:
    """Return what a command writes to the terminal. Drops its standard output."""
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    parts: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(reader, 4096):
                parts.append(part)
        except OSError:  # the terminal is closed
            return

    thread = Thread(target=read)
    thread.start()
    try:
        subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=terminal,
            env=os.environ | environment,
            check=True,
        )
    finally:
        os.close(terminal)
        thread.join()
        os.close(reader)
    return b"".join(parts).decode()


def left_on_screen(written: str) -> str:
    """Return the text that stays on the screen after carriage returns overwrite lines."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        text = ""
        for part in line.split("\r"):
            text = part + text[len(part) :]
        lines.append(text.strip())
    return "\n".join(lines).strip()
