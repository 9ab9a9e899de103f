"""`python -m wow_flywheel.closed_world`."""

from wow_flywheel.closed_world.commands import main

main()
