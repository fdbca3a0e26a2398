"""What Polly's refusals mean, in the runtime's words.

The messages are ours: Polly's own tell of keys' owners and of signatures. What belongs to the text
or to the voice of a record is `Permanent`: whether engine, region and voice fit one another at all,
the preflight has told before.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004 - of botocore: refused, no such host, no time to connect
    IncompleteReadError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.retry_after import retry_after

ON = "polly"

_KEYS = "Amazon Polly refuses the access key: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_NO_KEYS = "Amazon Polly needs an access key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_EXPIRED = (
    "the temporary access key for Amazon Polly has expired: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    " and AWS_SESSION_TOKEN anew"
)
_RIGHTS = (
    "Amazon Polly denies access: give the owner of AWS_ACCESS_KEY_ID an IAM policy that allows"
    " polly:SynthesizeSpeech and polly:DescribeVoices"
)
_ACCOUNT = (
    "the AWS account is not signed up for Amazon Polly in this region: finish its registration, or check AWS_REGION"
)
_CLOCK = "Amazon Polly refuses this machine's clock: set it right"
_REGION = "Amazon Polly is asked in the wrong region: check AWS_REGION and AWS_ENDPOINT_URL_POLLY"
_FOREIGN = "what answers is not Amazon Polly: check AWS_ENDPOINT_URL_POLLY"
_REFUSALS = {
    "UnrecognizedClientException": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "InvalidAccessKeyId": _KEYS,
    "InvalidSignatureException": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "IncompleteSignature": _KEYS,
    "IncompleteSignatureException": _KEYS,
    "MissingAuthenticationToken": _NO_KEYS,
    "MissingAuthenticationTokenException": _NO_KEYS,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _CLOCK,
    "AccessDenied": _RIGHTS,
    "AccessDeniedException": _RIGHTS,
    "UnauthorizedOperation": _RIGHTS,
    "OptInRequired": _ACCOUNT,
    "SubscriptionRequiredException": _ACCOUNT,
    "UnknownOperationException": _FOREIGN,
    "401": _KEYS,
    "403": _RIGHTS,
    "404": _FOREIGN,
    "405": _FOREIGN,
}
"""What somebody has to mend, by AWS's error code, or by the HTTP status of an answer that has none."""

_LIMITS = frozenset({
    "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded",
    "LimitExceededException", "ServiceQuotaExceededException", "429",
})  # fmt: skip
_PERMANENT = {
    "InvalidSsmlException": "Amazon Polly cannot read the text of this scene",
    "TextLengthExceededException": "the text of this scene is too long for Amazon Polly",
    "LanguageNotSupportedException": "Amazon Polly's voice does not speak this language: choose another voice",
    "EngineNotSupportedException": (
        "Amazon Polly does not have this voice with this engine here: choose another voice,"
        " or check POLLY_ENGINE, POLLY_VOICE and AWS_REGION"
    ),
    "InvalidSampleRateException": "Amazon Polly does not speak at the sample rate that it is asked for",
    "MarksNotSupportedForFormatException": "Amazon Polly does not give speech marks as they are asked for",
    "ValidationException": "Amazon Polly does not know the voice or cannot take the text: check POLLY_VOICE",
}

_UNREACHABLE = "Amazon Polly cannot be reached: check AWS_REGION, AWS_ENDPOINT_URL_POLLY and the network"
_BUSY = "Amazon Polly limits our requests"
_AWAY = "Amazon Polly is out of service"
_FAILED = "Amazon Polly failed on this request"
_LATE = "Amazon Polly did not answer in time"
_BROKEN = "the connection to Amazon Polly broke"
_INVALID = (
    "Amazon Polly cannot be asked with these settings: check AWS_REGION, AWS_ENDPOINT_URL_POLLY and the access key"
)


def translated(error: BaseException) -> StageError:
    """The runtime's word for an error of boto3. It keeps nothing of the error: that may hold keys."""
    match error:
        case ClientError():
            return _of_answer(error)
        case NoCredentialsError() | PartialCredentialsError():
            return Unavailable(_NO_KEYS, on=ON, refused=True)
        case InvalidRegionError():
            return Unavailable(_REGION, on=ON, refused=True)
        case ReadTimeoutError():
            return Transient(_LATE)
        case ConnectionError():
            return Unavailable(_UNREACHABLE, on=ON)
        case ResponseParserError():
            return Unavailable(_FOREIGN, on=ON, refused=True)
        case ConnectionClosedError() | IncompleteReadError() | ResponseStreamingError():
            return Transient(_BROKEN)
        case BotoCoreError() | ValueError():
            return Unavailable(_INVALID, on=ON, refused=True)
        case _:
            return Transient(_BROKEN)


def _of_answer(error: ClientError) -> StageError:
    fault: Mapping[str, Any] = error.response.get("Error", {})
    answer: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    code, status = str(fault.get("Code", "")), int(answer.get("HTTPStatusCode", 0))
    wait = retry_after(answer.get("HTTPHeaders", {}))
    if code in _LIMITS or status == 429:
        return Unavailable(_BUSY, on=ON, retry_after=wait)
    if code in _PERMANENT:
        return Permanent(_PERMANENT[code])
    if status == 503:
        return Unavailable(_AWAY, on=ON, retry_after=wait)
    if status >= 500:
        return Transient(_FAILED)
    message = _REFUSALS.get(code) or _REFUSALS.get(str(status))
    if message == _KEYS:
        message = _of_signature(str(fault.get("Message", "")))
    return Unavailable(message or f"{_FOREIGN} (it answers {status})", on=ON, refused=True)


def _of_signature(reason: str) -> str:
    """A signature is also refused when it is old, or for another region."""
    if "expired" in reason or "not yet current" in reason:
        return _CLOCK
    return _REGION if "valid region" in reason else _KEYS
