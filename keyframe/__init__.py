"""The command line and the embedded stack: the only package that sees every service."""

VERSION = "0.1.0"

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells give it: 128 and the signal's number."""
