"""The wire: OAuth, tokens, the gate, transport, XML, Practice Manager calls.
The only room that knows HTTP."""
