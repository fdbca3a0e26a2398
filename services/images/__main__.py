"""`python -m services.images`"""

from runtime.process import main
from services.images.app import ImagesSettings, build

if __name__ == "__main__":
    main(lambda: build(ImagesSettings()))
