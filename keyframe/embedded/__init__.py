"""The embedded parts: Apache Kafka and Postgres from wheels, on loopback, with their data in one folder."""
