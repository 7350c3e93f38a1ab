"""What can go wrong and is worth a sentence to the user. Nothing else is raised on purpose."""


class ReforkError(Exception):
    """Base of every error that Refork raises on purpose. Its message is one line that says what to do next."""


class BadInputError(ReforkError):
    """A file, an option or an argument of the user's is not what it must be."""


class BadFileError(BadInputError):
    """A file of the user's is damaged, of a newer format, or holds a key or a value that is not accepted."""


class DatabaseError(ReforkError):
    """A database cannot be reached, is empty, or is not a DBOS system database."""


class HostError(ReforkError):
    """A library that Refork runs in lacks a private name which is needed of it."""


class RunNotFoundError(BadInputError):
    """No run of that id is in the database."""


class StepNotFoundError(BadInputError):
    """The run has no such step, or the name that was given fits several."""


class ValueNotPortableError(ReforkError):
    """A value cannot be written as plain JSON, or plain JSON names a type that nobody registered."""


class TypesNotRegisteredError(ValueNotPortableError):
    """Values have types that can be written once they are registered. ``code`` does that, in several lines."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class TemplateError(BadFileError):
    """A prompt template does not parse, or names something that is not defined."""


class ApplicationError(ReforkError):
    """The user's application cannot be imported, or does not hold the workflow of the run."""


class SessionError(ReforkError):
    """Forks cannot be run in this process: DBOS is already in use, or its database is not our own."""


class StaleError(ReforkError):
    """The code no longer reaches the fork point of a case. Nothing at or after the fork point has run."""


class ForkError(ReforkError):
    """A fork could not be measured: its replay hung, or it broke before the first trial."""


class AnswerMissingError(ReforkError):
    """No answer is kept for a request, and no call may be made."""


class ToolDeniedError(ReforkError):
    """A tool, or another operation of the workflow, may not act in a rerun."""


class ToolToldError(ReforkError):
    """A tool call that failed in a rerun, with what its model is to be told."""


class ModelCallError(ReforkError):
    """A model's server answered a step's request with a failure, as often as it was asked.

    ``status_code`` is the HTTP status and ``body`` the JSON that came with it, where it was that. ``final`` says that
    the session has made its attempts already.
    """

    final = True

    def __init__(self, message: str, *, status_code: int, body: object = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.body = body


class UnreadableAnswerError(ReforkError):
    """A model's server answered, and neither its client nor the framework could read the answer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the model's answer cannot be read: {why}")


class InternalError(ForkError):
    """A fault of Refork's own, which ends the fork in which it came up."""

    def __init__(self, raised: str) -> None:
        super().__init__(f"Refork itself failed here, please report it: {raised}")
