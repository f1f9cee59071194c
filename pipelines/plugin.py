"""dlt's plugin hook: adds `run` to `dlt pipeline`, next to its own `info` and `trace`."""

from dlt.common.configuration import plugins
from dlt.common.configuration.plugins import only_host


@plugins.hookimpl(specname="plug_cli")
@only_host("dlt")
def plug_cli_pipeline_run(host: str) -> type:
    """Offer the command; imported on use, since every `dlt` command loads its plugins."""
    from pipelines.cli import PipelineRunCommand

    return PipelineRunCommand
