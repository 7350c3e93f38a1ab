"""Lists the names of DBOS: forks are replayed below its public interface, where operations read checkpoints."""

from refork.hosts.library import HostLibrary, Internal

_ENGINE = "to run forks beside an application that has a DBOS of its own"
_REPLAY = "to stop what may not run in a replay"
_VALUES = "to read and write values as DBOS does"
_ERRORS = "to let an application meet the exceptions that it met in production"

DBOS = HostLibrary(
    distribution="dbos",
    oldest="3.0",
    newest="3.4",
    internals=(
        Internal(place="dbos._context:get_local_dbos_context", needed=_REPLAY),
        Internal(place="dbos._core:_execute_workflow_async", needed=_ERRORS),
        Internal(place="dbos._core:_get_wf_invoke_func", needed=_ERRORS),
        Internal(place="dbos._core:invoke_step", needed=_REPLAY),
        Internal(place="dbos._dbos:DBOSRegistry._register_internal_queue", needed=_ENGINE),
        Internal(place="dbos._dbos:ThreadPoolExecutor", needed=_ENGINE),
        Internal(place="dbos._dbos:_dbos_global_instance", needed=_ENGINE),
        Internal(place="dbos._dbos:_dbos_global_registry", needed=_ENGINE),
        Internal(place="dbos._dbos:_get_dbos_instance", needed=_ENGINE),
        Internal(place="dbos._dbos:_get_or_create_dbos_registry", needed=_ENGINE),
        Internal(place="dbos._error:DBOSAwaitedWorkflowCancelledError", needed=_ERRORS),
        Internal(place="dbos._error:DBOSWorkflowCancelledError", needed=_REPLAY),
        Internal(
            place="dbos._queue:_INTERNAL_QUEUE_CONSTRUCTION", needed="to import applications that make queues"
        ),
        Internal(place="dbos._registrations:get_func_info", needed=_VALUES),
        Internal(place="dbos._schemas.system_database:SystemSchema", needed="to write a run's checkpoints"),
        Internal(place="dbos._serialization:DBOSDefaultSerializer", needed=_VALUES),
        Internal(place="dbos._serialization:PortableWorkflowError", needed=_VALUES),
        Internal(place="dbos._serialization:WorkflowInputs", needed=_VALUES),
        Internal(place="dbos._serialization:coerce_portable_args_to_hints", needed=_VALUES),
        Internal(place="dbos._sys_db:SystemDatabase.create", needed=_REPLAY),
        Internal(place="dbos._sys_db:SystemDatabase.check_operation_execution", needed=_REPLAY),
        Internal(place="dbos._utils:GlobalParams", needed=_ENGINE),
        Internal(place="dbos._workflow_commands:__name__", needed="to leave transactions' checkpoints alone"),
    ),
)
