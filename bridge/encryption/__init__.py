"""Client-side field level encryption: rules, keys, ciphertext; wire-compatible with Confluent's clients."""
