"""The six simulated registers and the synthetic population: everything answers over real sockets."""
