"""The errors that Refork raises on purpose. Each has a one-line message for the user."""


class ReforkError(Exception):
    """Base of every error that Refork raises on purpose. Its message is one line that says what to do next."""


class BadInputError(ReforkError):
    """An invalid file, option or argument of the user."""


class BadFileError(BadInputError):
    """A file of the user is damaged, has a newer format, or contains an invalid key or value."""


class DatabaseError(ReforkError):
    """A database cannot be reached, is empty, or is not a DBOS system database."""


class HostError(ReforkError):
    """A library lacks a private name that Refork needs."""


class RunNotFoundError(BadInputError):
    """The database contains no run with that id."""


class StepNotFoundError(BadInputError):
    """The run has no such step, or the given name matches several."""


class ValueNotPortableError(ReforkError):
    """A value cannot be written as plain JSON, or plain JSON names a type that is not registered."""


class TypesNotRegisteredError(ValueNotPortableError):
    """Values have types that must be registered before they can be written. ``code`` registers them, in several
    lines.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class TemplateError(BadFileError):
    """A prompt template does not parse, or uses an undefined name."""


class ApplicationError(ReforkError):
    """The user's application cannot be imported, or does not register the workflow of the run."""


class SessionError(ReforkError):
    """Forks cannot run in this process: DBOS is already in use, or the database is not Refork's."""


class StaleError(ReforkError):
    """The code no longer reaches the fork point of a case. Nothing at or after the fork point has run."""

    ADVICE = (
        "if the change to the code was not meant, undo it; "
        "if it was, capture a run made with the code as it is now"
    )
    """The end of every message, which the report repeats as a sentence."""


class ForkError(ReforkError):
    """A fork could not be measured: its replay hung, or it broke before the first trial."""


class AnswerMissingError(ReforkError):
    """No cached answer exists for a request, and no call may be made."""


class ToolDeniedError(ReforkError):
    """A tool, or another operation of the workflow, may not act in a rerun."""


class ToolToldError(ReforkError):
    """A tool call failed in a rerun. The message is sent to the model as the tool's result."""


class ModelCallError(ReforkError):
    """A model's server answered every attempt of a step's request with a failure.

    ``status_code`` is the HTTP status and ``body`` the JSON that came with it, where it was that. ``final`` says that
    the session has made its attempts already.
    """

    final = True

    def __init__(self, message: str, *, status_code: int, body: object = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.body = body


class UnreadableAnswerError(ReforkError):
    """A model's server answered, but neither its client nor the framework could read the answer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the model's answer cannot be read: {why}")


class InternalError(ForkError):
    """A bug in Refork. It ends the fork in which it happened."""

    def __init__(self, raised: str) -> None:
        super().__init__(f"Refork itself failed here, please report it: {raised}")
