"""The API: serve an account over HTTP."""
