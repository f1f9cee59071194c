"""Run sqlfluff with a garbage collector that rarely runs: it would take half of the time.

sqlfluff's workers import this file too. Two of them and the main process need 2.2 GiB for the
whole project.
"""

import gc

from sqlfluff.cli.commands import cli

gc.set_threshold(5_000_000)

if __name__ == "__main__":
    cli()
