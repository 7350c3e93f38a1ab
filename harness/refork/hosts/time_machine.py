"""Lists the names of time-machine, with which the frozen clock shows each caller its time."""

from refork.hosts.library import HostLibrary, Internal

TIME_MACHINE = HostLibrary(
    distribution="time-machine",
    oldest="3.2",
    newest="3.6",
    internals=(
        Internal(place="_time_machine:original_time_ns", needed="to tell Refork's own code the true time"),
    ),
    extra="clock",
)
