"""Asks a server of this container how it is: `python -m runtime.probe PORT PATH`. Ends with 0 where it answers 200."""

import sys
from http.client import HTTPConnection, HTTPException

SECONDS = 4.0


def main() -> None:
    """Leaves what was answered, or why nothing was, on standard error: the engine shows it with the container."""
    port, path = sys.argv[1:]
    try:
        # Not by urllib, which would ask the proxy that the environment names.
        connection = HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
        connection.request("GET", path)
        answer = connection.getresponse()
        sys.stderr.write(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as error:
        sys.exit(f"it does not answer ({type(error).__name__})")
    sys.exit(answer.status != 200)


if __name__ == "__main__":
    main()
