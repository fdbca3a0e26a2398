"""`python -m services.assembler`"""

from runtime.process import main
from services.assembler.app import AssemblerSettings, build

if __name__ == "__main__":
    main(lambda: build(AssemblerSettings()))
