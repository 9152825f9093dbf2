"""`edgehands bench`: how fast each model runs on each backend of this device, and how well."""
