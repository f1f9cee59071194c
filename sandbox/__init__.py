"""Simulate a Metronome account, write it as export files, and serve it as an HTTP API."""
