"""Events to an MQTT broker: never late, never silently lost. Importing this loads no library."""
