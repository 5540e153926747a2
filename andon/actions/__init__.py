"""The one door for writes about calls: each action one transaction, the call's lock first, the fact last.

The lock of a call guards its escalation and their steps; the streams are locked last of all.
"""
