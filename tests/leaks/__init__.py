"""THE LEAK MATRIX: whatever others do, no plaintext of a protected field leaves the process.

``cases`` says what is combined, ``lying`` answers as a registry that was told otherwise, ``run`` is one case, ``stage``
runs many in one worker process, ``views`` asks what that shows, ``written`` reads what stands in Kafka, ``evidence``
looks at every byte that left it, ``proof`` says what must hold.
"""
