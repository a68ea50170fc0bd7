"""The Python client in examples/client: written from what the API says of itself."""
