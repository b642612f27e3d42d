"""THE LEAK MATRIX: whatever others do, no plaintext of a protected field leaves the process.

``cases`` says what is combined, ``lying`` answers as a registry that was told otherwise, ``stage`` runs many cases in
one worker process, ``evidence`` looks at every byte that left it, ``proof`` says what must hold.
"""
