"""Generated messages and stubs of the contract `rollbook.v1`; never edited by hand.

`make stubs` writes everything else in this folder from `proto/`.
"""
