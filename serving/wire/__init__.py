"""HTTP/1.1 as it arrives and leaves: connections, requests in order, limits."""
