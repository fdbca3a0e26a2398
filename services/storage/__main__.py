"""`python -m services.storage`"""

from runtime.process import main
from runtime.settings import CommonSettings, S3Settings
from runtime.stage import AnyStage
from runtime.stores import object_store, public_store
from services.storage.app import StorageSettings, build


def _stage() -> AnyStage:
    common, s3 = CommonSettings(), S3Settings()
    return build(StorageSettings(), object_store(common, s3), public_store(common, s3))


if __name__ == "__main__":
    main(_stage)
