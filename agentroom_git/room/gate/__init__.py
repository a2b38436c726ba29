"""The gate: whether the combined work passes the user's check, and which fold broke it.

`reading` tells what is known of it; `work` runs the check on what is newest.
"""
