"""The object stores that the settings name."""

from runtime.folder_objects import FolderObjects
from runtime.objects import ObjectStore
from runtime.s3_objects import S3Objects, s3_client
from runtime.settings import CommonSettings, InvalidSetting, S3Settings


def object_store(common: CommonSettings, s3: S3Settings) -> ObjectStore:
    """Where artefacts and answers lie; published files too, unless `public_store` names another place.

    Raises `InvalidSetting`.
    """
    if common.storage_provider == "folder":
        return FolderObjects(common.storage_folder)
    return _bucket(s3, s3.s3_bucket)


def public_store(common: CommonSettings, s3: S3Settings) -> ObjectStore | None:
    """Where published files lie if not with the artefacts: a bucket, or a public URL, of their own.

    Raises `InvalidSetting`.
    """
    if common.storage_provider == "folder" or not (s3.s3_public_bucket or s3.s3_public_url):
        return None
    return _bucket(s3, s3.s3_public_bucket or s3.s3_bucket, s3.s3_public_url)


def _bucket(s3: S3Settings, bucket: str, public_url: str | None = None) -> S3Objects:
    endpoint = s3.s3_endpoint_url
    if endpoint is None and s3.r2_account_id:
        endpoint = f"https://{s3.r2_account_id.strip()}.r2.cloudflarestorage.com"
    key, secret = s3.s3_access_key_id, s3.s3_secret_access_key
    if (key is None) != (secret is None):
        raise InvalidSetting("S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: both, or neither")
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise InvalidSetting("S3_ENDPOINT_URL: an address that begins with http:// or https://")
    if s3.s3_ca_file is not None and not s3.s3_ca_file.is_file():
        raise InvalidSetting("S3_CA_FILE: there is no such file")
    client = s3_client(
        endpoint_url=endpoint,
        region=s3.s3_region,
        # A key that was pasted often carries a line end, which would break the header it travels in.
        access_key=key.strip() if key else None,
        secret_key=secret.get_secret_value().strip() if secret else None,
        ca_file=s3.s3_ca_file,
    )
    return S3Objects(client, bucket, public_url=public_url, signs=s3.s3_sign_urls)
