"""The bodies that callers of other servers send, and the answers that they expect."""
