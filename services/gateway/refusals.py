"""Why the database does not serve us: one sentence, and what mends it."""

import ssl

import asyncpg

from runtime.errors import Unavailable

ON = "postgres"


def unserved(error: Exception) -> Unavailable:
    """The runtime's word for a database that is away or refuses us."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():  # and its kind: a wrong password
            said = "The database refuses the user or the password: check KEYFRAME_POSTGRES_DSN."
        case asyncpg.InvalidCatalogNameError():
            said = "The database does not exist: make it, or check KEYFRAME_POSTGRES_DSN."
        case asyncpg.InsufficientPrivilegeError():
            said = "The database denies its user a right: docs/security.md lists what the user needs."
        case ssl.SSLCertVerificationError():
            said = "The database's certificate is not trusted: check host and sslrootcert of KEYFRAME_POSTGRES_DSN."
        case FileNotFoundError():
            said = "A file that KEYFRAME_POSTGRES_DSN names cannot be found: check sslrootcert, sslcert and sslkey."
        case ConnectionError() if "rejected SSL" in str(error):
            said = "The database speaks no TLS: check sslmode of KEYFRAME_POSTGRES_DSN."
        case _:
            return Unavailable("The status view's database does not answer.", on=ON)
    return Unavailable(said, on=ON, refused=True)
