"""Open a Spark session with the settings of dbt's profile."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import yaml

from pipelines.common.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TARGET = "spark"
JAVA = 17
"""The oldest Java that Spark 4 runs on."""


def profile() -> dict[str, Any]:
    """Return the output `spark` of profiles.yml, with the environment's values filled in."""
    outputs = yaml.safe_load(Path("profiles.yml").read_text(encoding="utf-8"))["metronome"]
    template = jinja2.Environment(undefined=jinja2.StrictUndefined)
    template.filters["as_number"] = int

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        if isinstance(value, str):
            return template.from_string(value).render(env_var=os.environ.get)
        return value

    return filled(outputs["outputs"][TARGET])


def warehouse_folder() -> Path:
    """Return the folder of Spark's tables."""
    return Path(profile()["server_side_parameters"]["spark.sql.warehouse.dir"])


def check_java() -> None:
    """Check that a Java that is new enough can be started.

    Raises:
        InputError: If there is none.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    remedy = (
        f"Spark needs Java {JAVA} or newer. Install it, as openjdk-17-jre-headless on Debian or "
        "temurin@17 with brew, and set JAVA_HOME if `java` on the PATH is another one."
    )
    if java is None or not Path(java).exists():
        raise InputError(f"There is no Java{f' in {home}' if home else ' on the PATH'}. {remedy}")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True)
    version = re.search(r'version "(\d+)', shown.stderr)
    if not version or int(version[1]) < JAVA:
        first_line = (shown.stderr.splitlines() or [f"exit code {shown.returncode}"])[0]
        raise InputError(f"{java} is {first_line}. {remedy}")


def session() -> "SparkSession":
    """Open the session, or return the one that this process has.

    Raises:
        InputError: If pyspark or Java is missing.
    """
    check_java()
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise InputError(f"{error}. Install the extra: pip install '.[spark]'") from error
    builder = SparkSession.builder.appName("metronome").enableHiveSupport()
    for name, value in profile()["server_side_parameters"].items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
