"""`python -m services.voice`"""

from runtime.process import main
from services.voice.app import VoiceSettings, build

if __name__ == "__main__":
    main(lambda: build(VoiceSettings()))
