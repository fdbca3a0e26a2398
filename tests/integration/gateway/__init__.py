"""The gateway over a real Postgres, with the log in memory."""
