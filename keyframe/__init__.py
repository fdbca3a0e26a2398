"""The command line and the embedded stack: the only package that sees every service."""

VERSION = "0.1.0"
