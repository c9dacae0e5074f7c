"""What whoever looks after a server sees of it: metrics, a line for each call, traces."""
