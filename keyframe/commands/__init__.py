"""The commands for operators: each speaks to the gateway's API."""
