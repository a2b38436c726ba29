"""The doors to the operating system: clock, processes, file locks, exchange writes."""
