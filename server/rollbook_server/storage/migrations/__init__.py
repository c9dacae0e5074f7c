"""The steps from one schema to the next, a file each; its number is the schema it leads to.

A step never changes once it is released, nor does it know our tables: it was written for
those of its day. All that are pending are done in one transaction, see `storage.migrating`.
"""
