"""The rules of Rollbook as plain Python: no gRPC, no database, standard library only."""
