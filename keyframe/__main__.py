"""`python -m keyframe`"""

from keyframe.cli import main

if __name__ == "__main__":
    main()
