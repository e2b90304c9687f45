"""The checklist of a session's day: what was done, what comes next, how long ago the pill was."""
