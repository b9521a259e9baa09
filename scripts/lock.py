"""Print the versions that are installed now as a constraints file; tools of the environment itself are left out."""

from importlib.metadata import distributions

LEFT_OUT = {"drumtower", "pip", "setuptools", "wheel"}

lines = {
    f"{distribution.metadata['Name'].lower().replace('_', '-')}=={distribution.version}"
    for distribution in distributions()
    if distribution.metadata["Name"].lower() not in LEFT_OUT
}
print("# Versions that were tested together; written by `make lock`.")
print("\n".join(sorted(lines)))
