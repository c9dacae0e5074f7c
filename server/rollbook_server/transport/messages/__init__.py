"""Messages to domain values and back, a module for each noun: the one room that knows both.

Wire values are always written with their module (`profile_pb2.Profile`); a bare
name is the domain's.
"""
