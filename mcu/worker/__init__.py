"""What the processes of one worker say to each other."""
