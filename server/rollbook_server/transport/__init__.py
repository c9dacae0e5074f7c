"""Speaks gRPC: converts, calls the domain, converts back."""
