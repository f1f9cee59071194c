"""Shared code of the pipelines, `doctor`, the publisher and the sandbox's command line."""
