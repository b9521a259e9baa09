"""The application: wires the packages together and gives them a command line. It decides nothing itself."""
