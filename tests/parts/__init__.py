"""Real parts for the tests: Kafka and Postgres, given by the environment or embedded."""
