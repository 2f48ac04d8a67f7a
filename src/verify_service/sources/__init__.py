"""What the service knows about registers in general: the port, the facts of a source, the client, strict readers, cases."""
