"""Serve an account over HTTP, with Metronome's API."""
