"""What the pipelines, `doctor`, the publisher and the sandbox's command line share."""
