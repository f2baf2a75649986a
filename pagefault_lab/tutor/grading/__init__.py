"""Grading: whatever was handed in is repeated, each submission in a process of its own, and what it earns is found.

    limits.py     what a submission may take
    grades.py     what is found: a Grade for each submission
    replaying.py  how one is graded, in this process
    fence.py      what that process may not do
    worker.py     a program that grades what it is given, each in a process of its own
    workers.py    several of these on this computer
    cluster.py    the same on a Dask cluster
    keeping.py    finished grades in a folder, to go on from
    reports.py    what is written for people and programs

The same submissions and lessons give the same reports, byte by byte, on every computer.
"""
