"""The API, a file a resource."""
