"""`python -m services.script`"""

from runtime.process import main
from services.script.app import ScriptSettings, build

if __name__ == "__main__":
    main(lambda: build(ScriptSettings()))
