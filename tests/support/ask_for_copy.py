"""Stands for the interpreter in copies of a prepared process: ``python -IS ask_for_copy.py PYTHON SOCKET WORD ...``.

Has another copy made, which takes over input, output and errors; hands signals on to it, and ends as it ends.
What no copy can do, such as an interpreter with options, PYTHON does itself.
"""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BETWEEN_LOOKS = 0.02


def main(python: str, address: str, words: list[str]) -> None:
    while words[:1] in (["-u"], ["-B"]):
        del words[0]
    if not words or (words[0].startswith("-") and words[0] not in ("-c", "-m")):
        os.execv(python, [python, *words])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        message = {"words": words, "folder": str(Path.cwd()), "env": dict(os.environ)}
        data = json.dumps(message).encode() + b"\n"
        connection.sendall(data[socket.send_fds(connection, [data], [0, 1, 2]) :])
        pid = json.loads(connection.recv(100))
        for number in HANDED_ON:
            signal.signal(number, lambda received, _: os.kill(pid, received))
        for descriptor in range(3):
            os.close(descriptor)  # so that the other ends learn of the copy's end
        while True:
            connection.sendall(json.dumps({"ended": pid}).encode() + b"\n")
            code = json.loads(connection.recv(100))
            if code is not None:
                os._exit(code if code >= 0 else 128 - code)
            time.sleep(BETWEEN_LOOKS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
