"""README and the pages of ``docs/``, run as they are printed.

Conventions of a page's fences, which the tests hold:

- Every fence names its language.
- ``sh``: commands, a line each (``\\`` goes on in the next), ``#`` begins a comment. ``export`` sets the environment.
- ``console``: lines that begin with ``$ `` are commands; what follows is what they print. ``…`` stands for anything
  in a line, a line of ``…`` alone for any number of lines.
- A file's name after the language (``json connector.json``) makes the fence that file.
- A command that goes on (``run``, ``worker``, ``sandbox``, ``try``) is waited for until it is up, and goes on beside
  the others until its section ends; then it is stopped with Ctrl-C.
- Everything else shows something (a record, a class, a job of a pipeline), and holds no command of ours.
"""
