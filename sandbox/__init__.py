"""A simulated Metronome account, served as export files and as an HTTP API."""
