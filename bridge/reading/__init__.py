"""Reading what is in a topic: decoding, decrypting, proving that it is encrypted."""
