"""dlt's plugin hook: adds `run` to `dlt pipeline`, next to dlt's own `info`, `trace` and `schema`."""

from dlt.common.configuration import plugins
from dlt.common.configuration.plugins import only_host


@plugins.hookimpl(specname="plug_cli")
@only_host("dlt")
def plug_cli_pipeline_run(host: str) -> type:
    """Offer the command; imported on use, since every `dlt` command loads its plugins."""
    from pipelines.cli import PipelineRunCommand

    return PipelineRunCommand
