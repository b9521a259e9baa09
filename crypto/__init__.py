"""Keys, passcodes, certificates, sealing: everything that handles secrets."""
