"""On a cluster: what it can do (doctor), going on when interrupted (resume), one job for all (script)."""
