"""What S3's refusals mean, in the runtime's words."""

import errno
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from runtime.errors import StageError, Unavailable
from runtime.objects import ObjectMissing
from runtime.retry_after import retry_after

ON = "object store"

_KEYS = "the object store refuses the access key: check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY"
_RIGHTS = "the object store denies access: give the key the right to read, write, list and delete in the bucket"
_REGION = "the object store is asked in the wrong region: check S3_REGION and S3_ENDPOINT_URL"
_BUCKET = "the bucket of the object store does not exist: make it, or check S3_BUCKET and S3_PUBLIC_BUCKET"
_CLOCK = "the object store refuses this machine's clock: set it right"
_BUSY = "the object store limits our requests"
_REFUSALS = {
    "InvalidAccessKeyId": _KEYS,
    "XAdminUserNotFound": _KEYS,  # versitygw
    "SignatureDoesNotMatch": _KEYS,
    "InvalidToken": _KEYS,
    "ExpiredToken": _KEYS,
    "Unauthorized": _KEYS,
    "401": _KEYS,
    "AccessDenied": _RIGHTS,
    "403": _RIGHTS,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "NoSuchBucket": _BUCKET,
    "RequestTimeTooSkewed": _CLOCK,
    "SlowDown": _BUSY,
    "TooManyRequests": _BUSY,
    "429": _BUSY,
    "503": _BUSY,
}
"""By S3's error code, or by the HTTP status where an answer has no body (to HEAD)."""

_OURS = frozenset({_KEYS, _RIGHTS, _REGION, _BUCKET})
"""What only whoever runs this can mend."""

_ABOUT_NO_OBJECT = frozenset({"ListObjectsV2", "PutObject", "CreateMultipartUpload", "ListMultipartUploads"})
"""What no S3 server answers with 404, unless the bucket is missing, which it says."""

_SILENT = "the object store does not answer in time"
_UNREACHABLE = "the object store cannot be reached: check S3_ENDPOINT_URL, R2_ACCOUNT_ID, S3_REGION and the network"
_UNTRUSTED = "the object store's certificate is not trusted: check S3_CA_FILE and S3_ENDPOINT_URL"
_FOREIGN = "what answers is no S3 server: check S3_ENDPOINT_URL"
_NO_KEYS = "the object store needs a key: set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY"


def translated(error: BaseException, key: str) -> StageError:
    """The runtime's word for an error of boto3, or of the disk of this machine.

    Args:
        key: the object that was asked for.
    """
    match error:
        case ClientError():
            return _of_answer(error, key)
        case ConnectTimeoutError() | ReadTimeoutError():
            return Unavailable(_SILENT, on=ON)
        case SSLError():
            return Unavailable(_UNTRUSTED, on=ON, refused=True)
        case NoCredentialsError() | PartialCredentialsError():
            return Unavailable(_NO_KEYS, on=ON, refused=True)
        case ResponseParserError():
            return Unavailable(_FOREIGN, on=ON)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return Unavailable("the disk of this machine is full: free some space", on="disk")
        case _:
            return Unavailable(_UNREACHABLE, on=ON)


def said_by_s3(answer: Mapping[str, Any], field: str) -> None:
    """Raises `ResponseParserError` where an answer lacks what S3 always says: a web site may answer 200 to anything."""
    if field not in answer:
        raise ResponseParserError(f"no {field} in the answer")


def code(error: ClientError) -> str:
    """S3's error code, or the HTTP status in digits where an answer has no body."""
    return error.response.get("Error", {}).get("Code", "")


def _of_answer(error: ClientError, key: str) -> StageError:
    name = code(error)
    if name in ("NoSuchKey", "NotFound", "404"):
        if error.operation_name in _ABOUT_NO_OBJECT:
            return Unavailable(_FOREIGN, on=ON)
        return ObjectMissing(f"the object {key} is missing")
    answer = error.response.get("ResponseMetadata", {})
    status = str(answer.get("HTTPStatusCode", ""))
    message = _REFUSALS.get(name) or _REFUSALS.get(status) or f"the object store answers with an error ({status})"
    after = retry_after(answer.get("HTTPHeaders", {}))
    return Unavailable(message, on=ON, retry_after=after, refused=message in _OURS)
