"""Send a request to the API server, and read the response."""
